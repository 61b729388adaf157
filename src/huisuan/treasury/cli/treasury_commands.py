"""`huisuan treasury`: the proof of the books, and statements."""

from __future__ import annotations

from typing import Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import yuan
from huisuan.terminal import AsJson, out, print_json, print_table
from huisuan.treasury.cli import city_payment_commands

app = typer.Typer()
app.add_typer(city_payment_commands.app, name="city-payments", help="市级拨付凭证：导入、查看、核减、冲销")
_COLUMNS = {
    "key": "", "appropriated": "预算（元）", "available": "可用", "lapsed": "已收回", "committed": "已承诺",
    "ordered": "已开支付令", "paid": "已拨付", "recovered": "已追回", "owed": "应追回未到",
}  # fmt: skip


@app.command("check")
def check(as_json: AsJson = False) -> None:
    """把全部分录、分期、支付令重新加一遍，和账上的比；不符则逐条列出，退出码 1。"""
    from huisuan.treasury.check import prove, sentence_of

    proof = prove()
    if as_json:
        print_json(
            {
                "holds": proof.holds, "entries": proof.entries, "postings": proof.postings, "lines": proof.lines,
                "awards": proof.awards, "findings": [finding.to_dict() for finding in proof.findings],
            }
        )  # fmt: skip
    else:
        for finding in proof.findings:
            out.print(sentence_of(finding), markup=False)
        counted = f"{proof.lines} 条预算、{proof.awards} 个项目、{proof.entries} 笔分录、{proof.postings} 行"
        out.print(f"{'账平' if proof.holds else '账不平'}：{counted}", markup=False)
    if not proof.holds:
        raise typer.Exit(1)


@app.command("statement")
def statement(
    policy: Annotated[str, typer.Option("--policy", metavar="政策", help="政策目录名")],
    by: Annotated[str, typer.Option("--by", help="sentence、office、year、city 或 party")] = "sentence",
    year: Annotated[int | None, typer.Option("--year", help="哪一年的预算；不写则各年")] = None,
    as_json: AsJson = False,
) -> None:
    """资金到哪一步了：按条款、部门、年度、市或主体合计。"""
    from huisuan.treasury.statements import STATEMENTS, load_money_statement

    if by not in STATEMENTS:
        raise InvalidRequest(f"--by {by}：只能是 {'、'.join(STATEMENTS)}", code="treasury.statement_unknown")
    rows = [row.to_dict() for row in load_money_statement(by, policy, year)]  # type: ignore[arg-type]
    if as_json:
        print_json(rows)
        return
    shown = [{name: yuan(value) if isinstance(value, int) else value for name, value in row.items()} for row in rows]
    print_table(f"{policy} {year or '各年'}", shown, _COLUMNS, "还没有预算")
