"""Appeals as a viewer may see them, how each stands by the calendar, and until when an issue may be appealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.desk.queries import snapshot_of
from huisuan.bulletins.models import AppealAnswer, AppealTerm, BulletinIssue, DepartmentDelegate, ScoreAppeal
from huisuan.calendar.counting import WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.parties.models import Person, Role
from huisuan.programmes.offices import posts_in_force

_PROVINCE = "0000"  # what the code of a province ends with


class AppealState(StrEnum):
    """How an appeal stands."""

    WAITING = "waiting"
    OVERDUE = "overdue"
    REJECTED = "rejected"
    UPHELD = "upheld"  # the bulletin is to be corrected
    CORRECTED = "corrected"


@dataclass(frozen=True)
class AppealStanding:
    """An appeal with until when it is to be answered (None: no term, or a year without a calendar)."""

    appeal: ScoreAppeal
    answer: AppealAnswer | None
    due: datetime | None
    state: AppealState

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        asked, newer = self.appeal, getattr(self.appeal.issue, "corrected_by", None)
        return {
            "appeal": asked.pk, "bulletin": asked.issue.bulletin_id, "issue": asked.issue.number,
            "region": asked.region, "office": asked.office, "criterion": asked.criterion, "text": asked.text,
            "by": asked.by.username, "at": asked.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "due": self.due.isoformat() if self.due else None, "state": str(self.state),
            "answer": self.answer.text if self.answer else "",
            "answered_by": self.answer.by.username if self.answer else None,
            "corrected_by": newer.number if newer and self.state == AppealState.CORRECTED else None,
        }  # fmt: skip


def departments_of(person: Person, now: datetime) -> frozenset[str]:
    """The departments of the province for which a person speaks: by a post in an office, or named as its delegate."""
    if person.role != Role.PROVINCE:
        return frozenset()
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date())
    last = {one.department: one.speaks for one in DepartmentDelegate.objects.filter(person=person).order_by("pk")}
    return frozenset(posts.values_list("office__name", flat=True)) | {name for name, speaks in last.items() if speaks}


def speaks_for(person: Person, region: str, department: str, now: datetime) -> bool:
    """Whether a department is one of the province for which a person speaks."""
    return region.endswith(_PROVINCE) and department in departments_of(person, now)


def list_delegates() -> list[DepartmentDelegate]:
    """Who speaks for which department now."""
    last = {
        (one.department, one.person_id): one
        for one in DepartmentDelegate.objects.select_related("person").order_by("pk")
    }
    return sorted((one for one in last.values() if one.speaks), key=lambda one: (one.department, one.person.username))


def visible_appeals(person: Person) -> QuerySet[ScoreAppeal]:
    """Those that a person may see, the newest first: of their city, their own, or all."""
    mine = Q(by=person)
    if person.role in (Role.PROVINCE, Role.AUDITOR):
        mine = Q()
    elif person.role == Role.CITY and person.city_id:
        mine |= Q(region__startswith=person.city_id[:4])
    found = ScoreAppeal.objects.filter(mine)
    return found.select_related("issue__bulletin", "issue__corrected_by", "by", "answer__by")


def get_appeal(person: Person, number: int) -> ScoreAppeal:
    """One that the person may see.

    Raises:
        NotFound: none of that number, or not theirs.
    """
    found = visible_appeals(person).filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有编号为 {number} 的异议", code="appeal.unknown")
    return found


def appeal_standing(appeal: ScoreAppeal, now: datetime) -> AppealStanding:
    """How it stands at an instant; overdue is only what certainly is."""
    answer: AppealAnswer | None = getattr(appeal, "answer", None)
    made_on = appeal.at.astimezone(SHANGHAI).date()
    due = count_working_days(made_on, appeal.answer_days, load_calendar()).ends_at if appeal.answer_days else None
    if answer is None:
        state = AppealState.OVERDUE if due and due <= now else AppealState.WAITING
    elif not answer.upheld:
        state = AppealState.REJECTED
    else:
        state = AppealState.CORRECTED if getattr(appeal.issue, "corrected_by", None) else AppealState.UPHELD
    return AppealStanding(appeal, answer, due, state)


def appeal_term_on(day: date) -> AppealTerm | None:
    """The term of a day: of those valid by then the one that begins last, of two the later written."""
    return AppealTerm.objects.filter(valid_from__lte=day).order_by("valid_from", "pk").last()


def appeal_window(issue: BulletinIssue) -> WorkingDayCount | None:
    """Until when an issue may be appealed, in working days after the day on it; None: no term was set for that day."""
    term = appeal_term_on(issue.day)
    return count_working_days(issue.day, term.appeal_days, load_calendar()) if term else None


def appealable_rows(issue: BulletinIssue, person: Person, now: datetime) -> list[tuple[str, str]]:
    """The offices (region, department) of an issue for which somebody may appeal.

    A city: for all in it; somebody of the province: for the department of the province for which they speak.
    """
    if person.role == Role.CITY and person.city_id:
        return [place for place in scored_places(issue) if place[0][:4] == person.city_id[:4]]
    own = departments_of(person, now)
    return [place for place in scored_places(issue) if place[0].endswith(_PROVINCE) and place[1] in own]


def scored_places(issue: BulletinIssue) -> list[tuple[str, str]]:
    """Every office that an issue scores; none where it scores nobody."""
    return [(one["region"], one.get("department", one.get("office", ""))) for one in _rows(issue)]


def criteria_of(issue: BulletinIssue) -> Mapping[str, str]:
    """By code what an issue scores offices by."""
    figures = snapshot_of(issue.bulletin)[0]
    if "formula" in figures:
        return {one["code"]: one["text"] for one in figures["formula"]["criteria"]}
    return {one["key"]: one["title"] for one in figures.get("progress", {}).get("stages", ())}


def _rows(issue: BulletinIssue) -> Sequence[Mapping[str, Any]]:
    figures = snapshot_of(issue.bulletin)[0]
    levels = figures.get("progress", figures)
    return [*levels.get("cities", ()), *levels.get("departments", levels.get("offices", ()))]
