"""`huisuan data ask|requests|answer|offices|term`: requests for data that is not on the list."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.base.errors import InvalidRequest
from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.models import Person

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_COLUMNS = {
    "number": "编号", "title": "需要的数据", "department": "部门", "region": "区划", "asked_on": "提出",
    "due": "答复期满", "state": "状态",
}  # fmt: skip
_OFFICES = {
    "region": "区划", "department": "部门", "asked": "需求", "answered": "按期答复", "answered_late": "逾期答复",
    "planned": "已有计划", "waiting": "待答复", "overdue": "逾期未答", "plan_overdue": "计划逾期",
}  # fmt: skip
_TERMS = {"valid_from": "自", "working_days": "工作日", "authority": "依据", "by": "由"}


def ask(
    title: Annotated[str, typer.Option("--title", help="需要什么数据，至多 120 字")],
    purpose: Annotated[str, typer.Option("--purpose", help="作什么用，至多 1000 字")],
    department: Annotated[str, typer.Option("--department", help="向哪个部门")],
    region: Annotated[str, typer.Option("--region", help="部门所在的行政区划：六位代码")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """提出清单里没有的数据需求；部门在期限内答复。"""
    from huisuan.opendata.requests.services import AskedData, request_data

    made = request_data(AskedData(title, purpose, department, region), _person(by), datetime.now(UTC))
    _print_request(made.pk, by, as_json)


def requests(by: _By, as_json: AsJson = False) -> None:
    """列出可见的数据需求，新的在前，和各自的答复期限。"""
    from huisuan.opendata.requests.queries import RequestJudge, visible_requests
    from huisuan.parties.viewer import Viewer

    judge = RequestJudge(datetime.now(UTC))
    rows = [judge.standing(asked).to_dict() for asked in visible_requests(Viewer.for_person(_person(by)))]
    if as_json:
        print_json(rows)
    else:
        print_table("数据需求", rows, _COLUMNS, "还没有；用 huisuan data ask 提出")


def answer(
    number: Annotated[int, typer.Argument(metavar="N", help="需求编号", min=1)],
    by: _By,
    entry: Annotated[str, typer.Option("--entry", metavar="CODE", help="已列入清单：目录代码")] = "",
    access: Annotated[str, typer.Option("--access", help="开放属性：conditional 或 closed，连同依据和理由")] = "",
    ground: Annotated[str, typer.Option("--ground", help="法律依据的条款")] = "",
    plan: Annotated[str, typer.Option("--plan", metavar="DAY", help="计划何日列入，如 2027-03-31")] = "",
    text: Annotated[str, typer.Option("--text", help="条件、理由或计划的内容")] = "",
    as_json: AsJson = False,
) -> None:
    """答复一项需求：目录代码、开放属性连同依据，或计划连同日期，三者之一。"""
    from huisuan.opendata.requests.services import GivenAnswer, answer_request

    given = GivenAnswer(entry, access, ground, text, _day(plan) if plan else None)
    answer_request(number, given, _person(by), datetime.now(UTC))
    _print_request(number, by, as_json)


def offices(by: _By, as_json: AsJson = False) -> None:
    """各部门的答复情况：逾期的计在部门名下，最多的在前。"""
    from huisuan.opendata.requests.queries import count_by_office
    from huisuan.parties.viewer import Viewer

    rows = count_by_office(Viewer.for_person(_person(by)), datetime.now(UTC))
    if as_json:
        print_json(rows)
    else:
        print_table("数据需求的答复", rows, _OFFICES, "还没有数据需求")


def term(
    days: Annotated[int | None, typer.Option("--days", help="几个工作日内答复；不写则列出定过的期限")] = None,
    from_day: Annotated[str, typer.Option("--from", metavar="DAY", help="自哪天提出的需求起，如 2026-12-01")] = "",
    authority: Annotated[str, typer.Option("--authority", help="依据的文件")] = "",
    by: Annotated[str, typer.Option("--by", metavar="USERNAME", help="以哪位省专班人员的名义")] = "",
    as_json: AsJson = False,
) -> None:
    """定答复的期限，按官方日历数工作日；以前提出的需求仍按原来的期限。"""
    from huisuan.opendata.requests.queries import list_terms
    from huisuan.opendata.requests.services import set_answer_term
    from huisuan.parties.models import Role

    if days is not None:
        person = _person(by)
        if person.role != Role.PROVINCE:
            raise InvalidRequest(f"--by {by}：答复期限由省专班定", code="data_request.term_is_the_provinces")
        set_answer_term(days, _day(from_day), authority, person.username, datetime.now(UTC))
    rows = list_terms()
    if as_json:
        print_json(rows)
    else:
        print_table("答复期限", rows, _TERMS, "还没有定；用 --days 定")


def _print_request(number: int, by: str, as_json: bool) -> None:
    from huisuan.opendata.requests.queries import RequestJudge, get_request
    from huisuan.parties.viewer import Viewer

    asked = get_request(Viewer.for_person(_person(by)), number)
    found = RequestJudge(datetime.now(UTC)).standing(asked).to_dict()
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if value not in ("", None, []):
            out.print(f"{name}: {value}", markup=False)


def _person(by: str) -> Person:
    from huisuan.base.errors import NotFound
    from huisuan.parties.models import Person

    found = Person.objects.filter(username=by, is_active=True).first()
    if found is None:
        raise NotFound(f"--by {by}：没有这个人，或已停用", code="person.unknown")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f'日期 "{text[:20]}" 写法不对；请写成 2027-03-31', code="data_request.day_malformed"
        ) from None
