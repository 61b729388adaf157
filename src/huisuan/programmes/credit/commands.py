"""`huisuan credit`: the credit list, from files, and as it stood on a day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "uscc": "代码", "name": "主体", "effect": "后果", "source": "出处", "reason": "事由", "basis": "依据",
    "valid_from": "自", "valid_to": "至（不含）", "known_from": "何日起知道",
}  # fmt: skip


@app.command("import")
def import_(file: Annotated[str, typer.Argument(help="CSV 文件，- 为标准输入")], as_json: AsJson = False) -> None:
    """从 CSV 登记信用名单（uscc,effect,source,reason,valid_from[,basis,valid_to,withdrawn]）；坏行逐行说明。"""
    from huisuan.parties.cli.party_commands import read_file, show_report
    from huisuan.programmes.credit.register import import_credit_list

    content, name = read_file(file)
    show_report(import_credit_list(content, name, now=datetime.now(UTC)), as_json=as_json)


@app.command("list")
def list_(
    party: Annotated[str, typer.Option("--party", metavar="USCC", help="只看一个主体")] = "",
    on: Annotated[datetime | None, typer.Option("--on", help="只列这一天有效的", formats=["%Y-%m-%d"])] = None,
    as_known: Annotated[datetime | None, typer.Option(help="按截至哪天已知的登记", formats=["%Y-%m-%d"])] = None,
    as_json: AsJson = False,
) -> None:
    """列出信用名单：谁、因何事、由谁列入、后果是什么、自哪天至哪天。"""
    from huisuan.programmes.credit.register import list_credit

    known = (as_known or datetime.now(SHANGHAI)).date()
    rows = list_credit(known, on=on.date() if on else None, party=party.strip().upper())
    if as_json:
        print_json(rows)
        return
    print_table("信用名单", rows, _COLUMNS, "名单中没有")
