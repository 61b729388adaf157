"""`huisuan struck`: issuers of reports that lost their standing, and the applications that rest on their reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

app = typer.Typer(no_args_is_help=True)
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Day = ["%Y-%m-%d"]
_COLUMNS = {
    "number": "申报", "programme": "程序", "party": "申报人", "state": "状态", "issuer": "出具机构",
    "proposal_zh": "拟办",
}  # fmt: skip


@app.command("issuer")
def issuer(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="申报编号")],
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="材料的哈希，至少前 8 位")],
    uscc: Annotated[str, typer.Option("--issuer", metavar="USCC", help="出具机构的统一社会信用代码")],
    by: _By,
    issued_on: Annotated[datetime | None, typer.Option("--issued-on", help="出具日期", formats=_Day)] = None,
    as_json: AsJson = False,
) -> None:
    """登记一份佐证材料由谁出具、哪天出具，一次；由核验岗位或申报单位登记。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.struck.issuers import record_issuer

    made = record_issuer(
        number, sha256, uscc, issued_on.date() if issued_on else None, find_person(by), datetime.now(UTC)
    )
    if as_json:
        print_json({"number": number, "sha256": made.sha256, "issuer": made.uscc})
        return
    out.print(f"{number}：{made.sha256[:8]} 由 {made.uscc} 出具", markup=False)


@app.command("strike")
def strike(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="出具机构的统一社会信用代码")],
    name: Annotated[str, typer.Option("--name", help="机构名称")],
    since: Annotated[datetime, typer.Option("--since", help="自哪天起失去资格", formats=_Day)],
    source: Annotated[str, typer.Option("--source", help="出处：文件或名单")],
    reason: Annotated[str, typer.Option("--reason", help="事由")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """登记失去资格的出具机构：依据它的材料的申报，不论在哪一步，都标出疑点并列出拟办。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.struck.issuers import parse_issuer_code
    from huisuan.programmes.struck.striking import strike_issuer

    code = parse_issuer_code(uscc)
    strike_issuer(code, name, since.date(), source, reason, find_person(by), datetime.now(UTC))
    _print(by, code, as_json)


@app.command("lift")
def lift(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="出具机构的统一社会信用代码")],
    since: Annotated[datetime, typer.Option("--since", help="登记的失去资格日期", formats=_Day)],
    reason: Annotated[str, typer.Option("--reason", help="为什么撤销")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """撤销失去资格的登记，由登记人以外的人办理；留下记录。"""
    from huisuan.programmes.people import find_person
    from huisuan.programmes.struck.issuers import parse_issuer_code
    from huisuan.programmes.struck.lifting import lift_strike

    code = parse_issuer_code(uscc)
    lift_strike(code, since.date(), reason, find_person(by), datetime.now(UTC))
    _print(by, code, as_json)


@app.command("list")
def list_(
    by: _By,
    uscc: Annotated[str, typer.Option("--issuer", metavar="USCC", help="只看一个机构的")] = "",
    as_json: AsJson = False,
) -> None:
    """依据失去资格的机构所出材料的申报：各在哪一步，已付多少，拟怎么办。"""
    _print(by, uscc.strip().upper(), as_json)


def _print(by: str, uscc: str, as_json: bool) -> None:
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person
    from huisuan.programmes.struck.striking import list_struck

    rows = [one.to_dict() for one in list_struck(Viewer.for_person(find_person(by)), uscc)]
    if as_json:
        print_json(rows)
        return
    print_table("依据已失去资格机构材料的申报", rows, _COLUMNS, "没有")
