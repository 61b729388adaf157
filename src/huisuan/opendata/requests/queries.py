"""Requests as a viewer may see them, how each stands by the calendar, and what counts against which office."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet, TextChoices

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import IsWorkingDay, WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.opendata.models import AnswerOutcome, AnswerTerm, DataRequest, RequestAnswer
from huisuan.opendata.vocabulary import ACCESS_WORDS, list_word
from huisuan.parties.viewer import Viewer


class RequestState(TextChoices):
    """How a request stands; the overdue ones and late answers count against the office."""

    WAITING = "waiting"
    OVERDUE = "overdue"
    PLANNED = "planned"
    PLAN_OVERDUE = "plan_overdue"
    ANSWERED = "answered"
    ANSWERED_LATE = "answered_late"


@dataclass(frozen=True)
class RequestStanding:
    """A request with its answers; `due` is None where no term was set, its end open where a year has no calendar."""

    request: DataRequest
    answers: tuple[RequestAnswer, ...]
    due: WorkingDayCount | None
    state: RequestState

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        asked, ends = self.request, self.due.ends_at if self.due else None
        return {
            "number": asked.pk, "title": asked.title, "purpose": asked.purpose, "department": asked.department,
            "region": asked.region_id, "party": asked.party.uscc, "asked_on": asked.asked_on.isoformat(),
            "working_days": asked.working_days, "due": ends.isoformat() if ends else None, "state": str(self.state),
            "answers": [answer_to_dict(answer) for answer in self.answers],
        }  # fmt: skip


def answer_to_dict(answer: RequestAnswer) -> dict[str, Any]:
    """An answer as JSON carries it."""
    return {
        "number": answer.number, "outcome": answer.outcome, "entry": answer.entry.code if answer.entry else "",
        "access": answer.access, "access_zh": list_word(ACCESS_WORDS, answer.access), "ground": answer.ground,
        "text": answer.text, "planned_on": answer.planned_on.isoformat() if answer.planned_on else None,
        "answered_on": answer.answered_on.isoformat(), "at": answer.at.isoformat(),
    }  # fmt: skip


def visible_requests(viewer: Viewer) -> QuerySet[DataRequest]:
    """The requests that a viewer may see, newest first: of their firm, of their city, or all."""
    mine = Q(pk__in=())
    if viewer.sees_everything:
        mine = Q()
    elif viewer.role == "city":
        mine = Q(region_id=viewer.city)
    elif viewer.role == "user":
        mine = Q(party_id=viewer.party_id)
    return DataRequest.objects.filter(mine).select_related("region", "party").prefetch_related("answers__entry")


def get_request(viewer: Viewer, number: int) -> DataRequest:
    """One request that the viewer may see.

    Raises:
        NotFound: none of that number, or not theirs.
    """
    found = visible_requests(viewer).filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有编号为 {number} 的数据需求", code="data_request.unknown")
    return found


class RequestJudge:
    """How requests stand at an instant, by the calendar adopted so far."""

    def __init__(self, now: datetime, is_working: IsWorkingDay | None = None) -> None:
        self._now, self._is_working = now, is_working or load_calendar()

    def standing(self, asked: DataRequest) -> RequestStanding:
        """Overdue is only what certainly is: a year without a calendar leaves the end open."""
        due = count_working_days(asked.asked_on, asked.working_days, self._is_working) if asked.working_days else None
        answers = tuple(asked.answers.all())
        return RequestStanding(asked, answers, due, self._state(answers, due))

    def _state(self, answers: tuple[RequestAnswer, ...], due: WorkingDayCount | None) -> RequestState:
        ends = due.ends_at if due else None
        if not answers:
            return RequestState.OVERDUE if ends and ends <= self._now else RequestState.WAITING
        last = answers[-1]
        if last.outcome == AnswerOutcome.PLANNED and last.planned_on is not None:
            past = last.planned_on < self._now.astimezone(SHANGHAI).date()
            return RequestState.PLAN_OVERDUE if past else RequestState.PLANNED
        late = ends is not None and answers[0].at >= ends
        return RequestState.ANSWERED_LATE if late else RequestState.ANSWERED


def count_by_office(viewer: Viewer, now: datetime) -> list[dict[str, Any]]:
    """By region and department how many requests stand how; those with most overdue first."""
    judge, counts = RequestJudge(now), defaultdict[tuple[str, str], dict[str, int]](dict)
    for asked in visible_requests(viewer):
        row = counts[asked.region_id, asked.department]
        state = str(judge.standing(asked).state)
        row[state] = row.get(state, 0) + 1
    rows = [
        {
            "region": region, "department": department, "asked": sum(row.values()),
            **{state: row.get(state, 0) for state in RequestState.values},
        }
        for (region, department), row in counts.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["overdue"] - row["plan_overdue"], row["region"], row["department"]))


def term_on(day: date) -> AnswerTerm | None:
    """The term of a day: of those valid by then the one that begins last, of two the later written."""
    return AnswerTerm.objects.filter(valid_from__lte=day).order_by("valid_from", "pk").last()


def list_terms() -> list[dict[str, Any]]:
    """All terms ever set, in the order in which they begin."""
    return [
        {
            "working_days": term.working_days, "valid_from": term.valid_from.isoformat(),
            "authority": term.authority, "by": term.by, "at": term.at.isoformat(),
        }
        for term in AnswerTerm.objects.all()
    ]  # fmt: skip
