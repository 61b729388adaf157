"""`huisuan bulletin appeal|appeals|answer|appeal-term`: appeals against scores, and within how many working days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from huisuan.terminal import AsJson, out, print_json, print_table

if TYPE_CHECKING:
    from huisuan.parties.models import Person

_By = Annotated[str, typer.Option("--by", metavar="USERNAME", help="以谁的名义")]
_COLUMNS = {
    "appeal": "编号", "issue": "通报", "region": "区划", "office": "部门", "criterion": "项目", "at": "提出",
    "due": "答复期满", "state": "状态",
}  # fmt: skip


def appeal(
    number: Annotated[int, typer.Argument(metavar="N", help="通报的流水号，见 list", min=1)],
    region: Annotated[str, typer.Option("--region", help="被通报的地方：六位行政区划代码")],
    text: Annotated[str, typer.Option("--text", help="哪里不对，至多 1000 字")],
    by: _By,
    office: Annotated[str, typer.Option("--office", help="部门的名称；不写是市本身")] = "",
    criterion: Annotated[str, typer.Option("--criterion", help="哪一项，如 in_time；不写是整个得分")] = "",
    as_json: AsJson = False,
) -> None:
    """对通报里本市、所属部门或自己部门的得分提出异议，在期限（工作日）之内。"""
    from huisuan.bulletins.appeals.services import MadeAppeal, make_appeal

    made = make_appeal(number, MadeAppeal(region, office, criterion, text), _person(by), datetime.now(UTC))
    _print(made.pk, by, as_json)


def list_appeals(by: _By, as_json: AsJson = False) -> None:
    """列出可见的异议，新的在前，和各自的答复期限。"""
    from huisuan.bulletins.appeals.queries import appeal_standing, visible_appeals

    now = datetime.now(UTC)
    rows = [appeal_standing(one, now).to_dict() for one in visible_appeals(_person(by))]
    if as_json:
        print_json(rows)
    else:
        print_table("异议", rows, _COLUMNS, "还没有；用 huisuan bulletin appeal 提出")


def answer_one(
    number: Annotated[int, typer.Argument(metavar="N", help="异议的编号，见 appeals", min=1)],
    text: Annotated[str, typer.Option("--text", help="答复的内容")],
    by: _By,
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="成立（随后更正通报），或不成立")] = False,
    as_json: AsJson = False,
) -> None:
    """答复一项异议；成立的，用 huisuan bulletin correct 更正通报。"""
    from huisuan.bulletins.appeals.services import answer_appeal

    answer_appeal(number, upheld, text, _person(by), datetime.now(UTC))
    _print(number, by, as_json)


def appeal_term(
    appeal_days: Annotated[int, typer.Option("--appeal-days", help="成文日期之后几个工作日内可提", min=1)],
    answer_days: Annotated[int, typer.Option("--answer-days", help="提出之后几个工作日内答复", min=1)],
    valid_from: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="自何日成文的通报起")],
    authority: Annotated[str, typer.Option("--authority", help="依据的文件")],
    by: _By,
    as_json: AsJson = False,
) -> None:
    """定异议的期限：几个工作日内提出，几个工作日内答复，自何日的通报起，依据什么文件。"""
    from huisuan.bulletins.appeals.services import SetTerm, set_appeal_term

    day = date(valid_from.year, valid_from.month, valid_from.day)
    made = set_appeal_term(SetTerm(appeal_days, answer_days, day, authority), _person(by), datetime.now(UTC))
    if as_json:
        print_json({"appeal_days": made.appeal_days, "answer_days": made.answer_days, "valid_from": day.isoformat()})
    else:
        out.print(f"自 {day} 起：{made.appeal_days} 个工作日内提出，{made.answer_days} 个工作日内答复", markup=False)


def delegate(
    department: Annotated[str, typer.Argument(metavar="DEPARTMENT", help="省级部门，照通报上写")],
    person: Annotated[str, typer.Option("--person", metavar="USERNAME", help="谁代表它提出异议：省级账号")],
    by: _By,
    ends: Annotated[bool, typer.Option("--end", help="不再代表")] = False,
    as_json: AsJson = False,
) -> None:
    """定省级部门的联络人：对通报里自己部门的得分提出异议；在该部门任岗的人不用另定。"""
    from huisuan.bulletins.appeals.services import set_delegate

    made = set_delegate(department, person, not ends, _person(by), datetime.now(UTC))
    if as_json:
        print_json({"department": made.department, "person": person, "speaks": made.speaks})
    else:
        out.print(f"{made.department}：{person} {'代表' if made.speaks else '不再代表'}", markup=False)


def _print(number: int, by: str, as_json: bool) -> None:
    from huisuan.bulletins.appeals.queries import appeal_standing, get_appeal

    said = appeal_standing(get_appeal(_person(by), number), datetime.now(UTC)).to_dict()
    if as_json:
        print_json(said)
        return
    for name, value in said.items():
        if value not in ("", None):
            out.print(f"{name}: {value}", markup=False)


def _person(by: str) -> Person:
    from huisuan.programmes.people import find_person

    return find_person(by)
