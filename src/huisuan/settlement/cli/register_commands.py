"""`huisuan party import`: into the register, but what would change past results only after it was seen and accepted."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from huisuan.parties.cli.party_commands import read_file, show_report
from huisuan.terminal import AsJson, note, print_json, print_table, progress

_CHANGED_COLUMNS = {
    "year": "年", "policy": "政策", "rule": "条款", "party": "主体", "status_before": "原结论",
    "before_fen": "原应享（元）",
    "status_after": "将为", "after_fen": "将应享（元）",
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
    from huisuan.settlement.impact.register_preview import preview_import

    content, name = read_file(file)
    now = datetime.now(UTC)
    enter = partial(import_relations if relations else import_successions if successions else import_parties, now=now)
    if not accept:
        with progress("对照以往的结算", None):
            report, changed = preview_import(lambda: enter(content, name), now)
        if changed:
            rows = [each.to_dict() for each in changed]
            if as_json:
                print_json({**report.as_json(), "accepted": False, "would_change": rows})
            else:
                shown = [{**row, "year": str(row["year"])} for row in rows]
                print_table("接受之后，以往的结果将变成", shown, _CHANGED_COLUMNS, "")
                note("没有写入。看过并接受：同一命令加 --accept；接受之后请重新结算这些年份")
            raise typer.Exit(1)
    show_report(enter(content, name), as_json=as_json)
