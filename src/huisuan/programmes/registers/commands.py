"""`huisuan data grant`: conditional data granted to firms of a register: list, show, issue, accept, revoke."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.opendata.models import DataGrant

grant = typer.Typer(no_args_is_help=True)
_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_Number = Annotated[int, typer.Argument(metavar="N", help="授权编号", min=1)]
_GRANTS = {
    "number": "编号", "entry": "目录代码", "party": "企业", "starts_on": "自", "ends_on": "至", "state_zh": "状态",
    "accesses": "读取",
}  # fmt: skip
_LEDGER = {"number": "编号", "at": "时间", "person": "谁", "way": "途径", "release": "文件", "detail": "说明"}


@grant.command("list")
def list_(context: typer.Context, by: _By, as_json: AsJson = False) -> None:
    """列出授权，新的在前：本企业的、本市目录的，或全部。"""
    context.obj()
    from huisuan.opendata.access.grants import grant_to_dict, visible_grants
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person

    now = datetime.now(UTC)
    rows = [grant_to_dict(each, now) for each in visible_grants(Viewer.for_person(find_person(by)))]
    if as_json:
        print_json(rows)
    else:
        print_table("授权", rows, _GRANTS, "还没有；用 huisuan data grant issue 授权")


@grant.command("show")
def show(context: typer.Context, number: _Number, by: _By, as_json: AsJson = False) -> None:
    """一项授权：用途、期限、条款和每一次读取的台账。"""
    context.obj()
    from huisuan.opendata.access.grants import get_grant, grant_to_dict
    from huisuan.opendata.access.ledger import access_to_dict, broken_at
    from huisuan.parties.viewer import Viewer
    from huisuan.programmes.people import find_person

    found = get_grant(Viewer.for_person(find_person(by)), number)
    ledger = [access_to_dict(row) for row in found.accesses.select_related("person", "release").order_by("number")]
    said = {**grant_to_dict(found, datetime.now(UTC)), "broken_at": broken_at(found), "ledger": ledger}
    if as_json:
        print_json(said)
        return
    _print(said)
    print_table("台账", ledger, _LEDGER, "还没有读取过")


@grant.command("issue")
def issue(
    context: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="目录代码，有条件开放的")],
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="企业的统一社会信用代码，须在名录内")],
    by: _By,
    purpose: Annotated[str, typer.Option("--purpose", help="用途")],
    licence: Annotated[str, typer.Option("--licence", help="许可")],
    terms: Annotated[str, typer.Option("--terms", help="条款，企业逐字接受")],
    starts: Annotated[str, typer.Option("--from", metavar="日期", help="第一天，如 2027-01-01")],
    ends: Annotated[str, typer.Option("--to", metavar="日期", help="最后一天")],
    application: Annotated[str, typer.Option("--application", metavar="NUMBER", help="据以授权的申报，须已审定")] = "",
    as_json: AsJson = False,
) -> None:
    """授权一家名录内的企业；企业接受条款后生效。"""
    context.obj()
    from huisuan.opendata.access.grants import GivenGrant
    from huisuan.programmes.people import find_person
    from huisuan.programmes.registers.data_grants import grant_data_access

    given = GivenGrant(entry, uscc, purpose, licence, terms, "", _day(starts), _day(ends), application)
    _answer(grant_data_access(given, find_person(by), datetime.now(UTC)), as_json)


@grant.command("accept")
def accept(context: typer.Context, number: _Number, by: _By, as_json: AsJson = False) -> None:
    """企业接受一项授权的条款：由平台签名，从此生效。"""
    context.obj()
    from huisuan.opendata.access.grants import accept_grant
    from huisuan.programmes.people import find_person

    _answer(accept_grant(number, find_person(by), datetime.now(UTC)), as_json)


@grant.command("revoke")
def revoke(
    context: typer.Context,
    number: _Number,
    by: _By,
    reason: Annotated[str, typer.Option("--reason", help="为什么收回")],
    as_json: AsJson = False,
) -> None:
    """收回一项授权：每一种途径立即不能再读。"""
    context.obj()
    from huisuan.opendata.access.grants import revoke_grant
    from huisuan.programmes.people import find_person

    _answer(revoke_grant(number, reason, find_person(by), datetime.now(UTC)), as_json)


def _answer(made: DataGrant, as_json: bool) -> None:
    from huisuan.opendata.access.grants import grant_to_dict

    said = grant_to_dict(made, datetime.now(UTC))
    if as_json:
        print_json(said)
    else:
        _print(said)


def _print(said: dict[str, Any]) -> None:
    for name, title in {**_GRANTS, "purpose": "用途", "licence": "许可", "ground": "依据"}.items():
        out.print(f"{title}: {said[name]}", markup=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f'"{text[:20]}" 不是日期：写成 2027-03-31', code="grant.day_malformed") from None
