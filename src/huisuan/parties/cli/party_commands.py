"""`huisuan party`: look at organisations and their relations (`import` is settlement's: it looks at past results)."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, note, out, print_json, print_table

app = typer.Typer()
_MAX_FAULTS_SHOWN = 20  # faults on the screen; --json has all

_PARTY_COLUMNS = {
    "uscc": "统一社会信用代码",
    "name": "名称",
    "kind": "类别",
    "region": "区划",
    "region_name": "地区",
    "registered_on": "登记日",
}
_RELATION_COLUMNS = {
    "uscc": "统一社会信用代码",
    "name": "名称",
    "share_permille": "持股（‰）",
    "control": "控制",
    "valid_from": "自",
    "valid_to": "至（不含）",
    "known_from": "何日起知道",
}


def read_file(path: str) -> tuple[bytes, str]:
    """A file's bytes and its name; `-` is the standard input.

    Raises:
        Refused: it cannot be read.
    """
    if path == "-":
        return sys.stdin.buffer.read(), "-"
    try:
        return Path(path).read_bytes(), Path(path).name
    except OSError as error:
        raise Unavailable(f"读不了 {path}：{error.strerror}；请检查路径与权限", code="file.unreadable") from None


def show_report(report: FileReport, *, as_json: bool) -> None:
    """Print what an import did, and end with its exit code."""
    if as_json:
        print_json(report.as_json())
    else:
        for fault in report.faults[:_MAX_FAULTS_SHOWN]:
            note(str(fault))
        if len(report.faults) > _MAX_FAULTS_SHOWN:
            note(f"…… 另有 {len(report.faults) - _MAX_FAULTS_SHOWN} 行，用 --json 查看全部")
        out.print(report.summary(), markup=False)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


@app.command()
def show(
    uscc: Annotated[str, typer.Argument(help="统一社会信用代码")],
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天已知的关联关系", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """查看一个主体和它的关联关系。"""
    from huisuan.parties.queries import party_with_relations

    party = party_with_relations(uscc, (as_known or datetime.now(SHANGHAI)).date())
    if as_json:
        print_json(party)
        return
    print_table("主体", [party], _PARTY_COLUMNS, "")
    print_table("持有或控制", party["owns"], _RELATION_COLUMNS, "不持有、不控制其他主体")
    print_table("被持有或控制", party["owned_by"], _RELATION_COLUMNS, "没有登记持有或控制它的主体")


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """列出全部主体。"""
    from huisuan.parties.queries import list_visible_parties, party_row

    rows = [party_row(party) for party in list_visible_parties()]
    if as_json:
        print_json(rows)
    else:
        print_table("主体", rows, _PARTY_COLUMNS, "还没有主体；用 huisuan party import FILE.csv 导入")
