"""The demo issues bulletins: two quarters on openness, where a list stands, and two quarters of use with their half."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.services import SetTerm, set_appeal_term
from huisuan.bulletins.desk.freezing import FreezeWish, freeze_wish
from huisuan.bulletins.desk.services import DraftedWords, draft_bulletin, issue_bulletin, review_bulletin
from huisuan.bulletins.issuing.openness_letter import DEMANDS, FIGURES_DEMANDS
from huisuan.bulletins.models import AppealTerm, BulletinIssue, BulletinKind
from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.parties.models import Person
from huisuan.terminal import print_table

_OFFICE = "示例数据资源管理局"
_USE = ("2024Q1", "2024Q2", "2024H1")
_QUARTER = timedelta(days=91)


@dataclass(frozen=True)
class IssuedStep:
    """A bulletin that was issued: its number, what it is about, its period, and how much of it is not published."""

    number: str
    about: str
    period: str
    hidden: int


def issue_bulletins() -> Iterator[IssuedStep]:
    """Drafted by one person of the province, reviewed by another, issued; once."""
    if BulletinIssue.objects.exists():
        return
    drafter, reviewer = (Person.objects.get(username=name) for name in ("zhuanban", "zhuanban2"))
    now = datetime.now(UTC)
    if not AppealTerm.objects.exists():
        set_appeal_term(SetTerm(10, 15, date(2024, 1, 1), "示例〔2024〕9 号"), drafter, now)
    wishes = [(FreezeWish(BulletinKind.USE, period), now) for period in _USE]
    if standing_entries().exists():
        wishes = [
            (FreezeWish(BulletinKind.OPENNESS, _quarter_name(at)), at) for at in (now - _QUARTER, now)
        ] + wishes  # fmt: skip
    for at, (wish, moment) in enumerate(wishes, start=1):
        try:
            frozen = freeze_wish(wish, moment)
        except Refused:  # nothing settled of that period: with a trace of one's own, it may be
            continue
        usual = DEMANDS if wish.kind == BulletinKind.OPENNESS else FIGURES_DEMANDS
        words = DraftedWords(_OFFICE, frozen.period, usual)
        number = draft_bulletin(wish.kind, frozen.content, words, drafter, moment, kept=frozen.kept).pk
        review_bulletin(number, True, "", reviewer, moment)
        issue = issue_bulletin(number, f"示例通〔{moment:%Y}〕{at}号", _day(moment), drafter, moment)
        cells: list[Any] = frozen.content.get("cells_data", {}).get("cells", [])
        yield IssuedStep(
            issue.number, "开放程度" if wish.kind == BulletinKind.OPENNESS else "算力使用", frozen.period,
            sum(one["value"] is None for one in cells),
        )  # fmt: skip


def show_bulletins(steps: Iterator[IssuedStep]) -> None:
    """A line a bulletin."""
    rows = [vars(step) for step in steps]
    columns = {"number": "文号", "about": "内容", "period": "哪一期", "hidden": "不公布的格"}
    print_table("通报：起草、另一人审核、签发，任何人可重做核对", rows, columns, "此前的演示已经签发过")


def _quarter_name(moment: datetime) -> str:
    day = _day(moment)
    return f"{day.year}年第{'一二三四'[(day.month - 1) // 3]}季度"


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()
