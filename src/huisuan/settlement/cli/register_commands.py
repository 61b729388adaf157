"""`huisuan party import`, `attest`: what would change past results is entered only once it was seen and accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.base.csv_lines import FileReport
from huisuan.base.months import SHANGHAI
from huisuan.parties.cli.party_commands import read_file, show_report
from huisuan.terminal import AsJson, note, print_json, print_table, progress

_CHANGED_COLUMNS = {
    "year": "年", "policy": "政策", "rule": "条款", "party": "主体", "status_before": "原结论",
    "before_fen": "原应享（元）",
    "status_after": "将为", "after_fen": "将应享（元）",
}  # fmt: skip
_ATTESTED_COLUMNS = {
    "source": "由", "attester": "代码", "item": "事项", "value": "值", "valid_from": "自", "valid_to": "至（不含）",
    "known_from": "何日起知道", "document": "文件",
}  # fmt: skip


def import_(
    file: Annotated[str, typer.Argument(help="CSV 文件，- 为标准输入")],
    relations: Annotated[
        bool,
        typer.Option(
            "--relations",
            help="导入关联关系：owner,owned,valid_from；可选 share_permille 或 share,control,valid_to,withdrawn",
        ),
    ] = False,
    successions: Annotated[
        bool, typer.Option("--successions", help="导入承继（换号、合并、分立）：old,new,kind,valid_from,carries")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="会改变以往结算的结果，也写入（不写则先列出会变成什么，不写入）")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """从 CSV 导入主体（uscc,name,kind,region；可选见文档）；好行留下，坏行逐行说明；会改变以往结果的先列出。"""
    from huisuan.parties.csv_import import import_parties
    from huisuan.parties.relation_import import import_relations, import_successions

    content, name = read_file(file)
    now = datetime.now(UTC)
    enter = import_relations if relations else import_successions if successions else import_parties
    _enter(lambda: enter(content, name, now=now), now, accept=accept, as_json=as_json)


def attest(
    file: Annotated[str, typer.Argument(help="CSV 文件，- 为标准输入")],
    city: Annotated[str, typer.Option("--city", help="由哪个市证明：六位代码")] = "",
    centre: Annotated[str, typer.Option("--centre", help="由哪个智算中心证明：代码")] = "",
    accept: Annotated[
        bool, typer.Option("--accept", help="会改变以往结算的结果，也写入（不写则先列出会变成什么，不写入）")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """登记市或智算中心对主体的证明：uscc,item,value,valid_from,document；可选 valid_to,withdrawn。"""
    from huisuan.compute.fact_sources.attested_import import find_attester, import_attestations

    attester = find_attester(city=city, centre=centre)
    content, name = read_file(file)
    now = datetime.now(UTC)
    _enter(lambda: import_attestations(content, name, attester, now=now), now, accept=accept, as_json=as_json)


def attested(
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码")],
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天所知", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """市和智算中心对一个主体证明了什么，各自哪天起、哪天止。"""
    from huisuan.parties.queries import get_party
    from huisuan.parties.state_history import list_attestations

    known = (as_known or datetime.now(SHANGHAI)).date()
    rows = list_attestations(get_party(uscc), known)
    if as_json:
        print_json(rows)
    else:
        print_table(f"{uscc} 的证明（截至 {known} 所知）", rows, _ATTESTED_COLUMNS, "没有证明")


def _enter(enter: Callable[[], FileReport], now: datetime, *, accept: bool, as_json: bool) -> None:
    """Enter into the register; without `accept` only where no past result changes, else what would change is listed."""
    from huisuan.settlement.impact.register_preview import preview_import

    if not accept:
        with progress("对照以往的结算", None):
            report, changed = preview_import(enter, now)
        if changed:
            rows = [each.to_dict() for each in changed]
            if as_json:
                print_json({**report.as_json(), "accepted": False, "would_change": rows})
            else:
                shown = [{**row, "year": str(row["year"])} for row in rows]
                print_table("接受之后，以往的结果将变成", shown, _CHANGED_COLUMNS, "")
                note("没有写入。看过并接受：同一命令加 --accept；接受之后请重新结算这些年份")
            raise typer.Exit(1)
    show_report(enter(), as_json=as_json)
