"""What waits for a person: applications on which a post of today lets them act, by when, and what is overdue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.procedure import ACTION_WORDS, EACH_CITY, Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, DutyHeld, Objection, ProcedureEdge
from huisuan.programmes.offices import city_governments, posts_in_force
from huisuan.programmes.publicity.objections import answers_due
from huisuan.programmes.workflow.due import due_rank, step_days
from huisuan.programmes.workflow.permission import acting_for
from huisuan.programmes.workflow.ties import tied_applicants

INBOX_PAGE = 100
_LOOKED_AT = 1000  # of an inbox, to find what comes next in it
_ON_OCCASION = [action for action, words in ACTION_WORDS.items() if words.on_occasion]
BY_END = (F("due_rank").asc(nulls_last=True), "pk")


@dataclass(frozen=True)
class WaitingApplication:
    """An application with the actions that the person may take, and the soonest of their ends (None: no days set)."""

    application: Application
    actions: tuple[str, ...]
    due: WorkingDayCount | None

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """As JSON carries it."""
        return {**waiting_to_dict(self.application, self.due, now), "actions": list(self.actions)}


def waiting_to_dict(application: Application, due: WorkingDayCount | None, now: datetime) -> dict[str, Any]:
    """What waits, and until when, as JSON carries it. Overdue is only what certainly is: a year without a calendar
    leaves the end open.
    """
    ends = due.ends_at if due else None
    return {
        "id": application.pk, "number": application.number, "programme": application.edition.key,
        "party": str(application.party or application.city_id), "state": application.state,
        "due": ends.isoformat() if ends else None, "overdue": ends is not None and ends <= now,
    }  # fmt: skip


def list_waiting(person: Person, now: datetime, *, after: int = 0, limit: int = INBOX_PAGE) -> list[WaitingApplication]:
    """What waits for a person's posts of today, oldest first; `after` is the last id of the page before.

    Left out is what the person may not act on: tied to the applicant, or in another duty there.
    """
    found = waiting_applications(person, now).filter(pk__gt=after).order_by("pk")
    return describe_waiting(list(found[:limit]), person, now)


def waiting_applications(person: Person, now: datetime) -> QuerySet[Application]:
    """The same as rows: `due_rank` orders them by their end, the soonest first, None where no days are set.

    The rank counts with the days that are set today; the end that a row shows, with those of the day since when it
    waits. They differ only for what waited while the setting was changed.
    """
    day = now.astimezone(SHANGHAI).date()
    edges = list(_edges_of(person, day))
    found = Application.objects.filter(_open_to(person, edges, day)).exclude(tied_applicants(person, day))
    # no joins: thousands may wait, and all of them are put in order
    return found.prefetch_related("party", "city", "edition").annotate(due_rank=due_rank(edges, day))


def _open_to(person: Person, edges: Sequence[ProcedureEdge], day: date) -> Q:
    """In a state from which one of these steps leads, where the person has no other duty."""
    by_duty: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for edge in edges:
        if edge.office not in EACH_CITY:
            by_duty[edge.duty][edge.edition_id].add(edge.from_state)
    found = Q(pk__in=())
    for duty, by_edition in by_duty.items():
        alike: dict[tuple[str, ...], list[int]] = defaultdict(list)  # cities' editions have the same states
        for edition, states in by_edition.items():
            alike[tuple(sorted(states))].append(edition)
        there = Q(pk__in=())
        for states_of, editions in alike.items():
            there |= Q(edition__in=editions, state__in=states_of)
        found |= there & ~Q(pk__in=DutyHeld.objects.filter(person=person).exclude(duty=duty).values("application"))
    return found | _open_in_place(person, day) if any(edge.office in EACH_CITY for edge in edges) else found


def _open_in_place(person: Person, day: date) -> Q:
    """The same by procedures of before, which name the governments of all cities together."""
    held = DutyHeld.objects.filter(person=person, application=OuterRef(OuterRef("pk"))).exclude(duty=OuterRef("duty"))
    place = Coalesce(OuterRef("party__region_id"), OuterRef("city_id"), output_field=CharField())
    edges = _edges_of(person, day).filter(office__in=EACH_CITY).alias(place=place).filter(_for_place(person, day))
    return Q(Exists(edges.filter(edition=OuterRef("edition"), from_state=OuterRef("state")).exclude(Exists(held))))


def of_posts(person: Person, day: date, action: str) -> QuerySet[Application]:
    """The applications, in whatever state, on which an action is for the posts that a person holds on a day."""
    place = Coalesce(OuterRef("party__region_id"), OuterRef("city_id"), output_field=CharField())
    edges = _edges_of(person, day).alias(place=place).filter(action=action, edition=OuterRef("edition"))
    return Application.objects.filter(Exists(edges.filter(~Q(office__in=EACH_CITY) | _for_place(person, day))))


def describe_waiting(rows: Sequence[Application], person: Person, now: datetime) -> list[WaitingApplication]:
    """Some of them with what the person may do and by when."""
    day = now.astimezone(SHANGHAI).date()
    return _with_due(list(rows), _edges_of(person, day), person, day)


def next_waiting(person: Person, now: datetime, after: str = "") -> str:
    """The number of what to take up next: what comes after an application in the inbox, or its first; or nothing."""
    numbers = list(waiting_applications(person, now).order_by(*BY_END).values_list("number", flat=True)[:_LOOKED_AT])
    at = numbers.index(after) + 1 if after in numbers else 0
    return next((number for number in numbers[at:] if number != after), "")


def _edges_of(person: Person, day: date) -> QuerySet[ProcedureEdge]:
    """The steps that a person's posts of a day are for, but those that nobody waits for."""
    mine, governments = Q(pk__in=()), city_governments()
    for post in posts_in_force(person, day):
        mine |= Q(duty=post.duty, office=post.office.name) & ~Q(office__in=EACH_CITY)
        if post.office.name in governments.values():  # procedures of before name all of them together
            mine |= Q(duty=post.duty, office__in=EACH_CITY)
    return ProcedureEdge.objects.filter(mine).exclude(action__in=_ON_OCCASION).select_related("edition")


def _for_place(person: Person, day: date) -> Q:
    """The steps of all cities' governments together, where the person acts for the city of the applicant (`place`)."""
    found, governments = Q(pk__in=()), city_governments()
    for post in posts_in_force(person, day):
        codes = [code for code, office in governments.items() if office == post.office.name]
        if codes:
            found |= Q(duty=post.duty) & (Q(place__in=codes) | ~Q(place__in=list(governments)))
    return found


def _with_due(
    waiting: list[Application], edges: QuerySet[ProcedureEdge], person: Person, day: date
) -> list[WaitingApplication]:
    held = set(posts_in_force(person, day).values_list("duty", "office__name"))
    by_state: dict[tuple[int, str], list[ProcedureEdge]] = defaultdict(list)
    for edge in edges.filter(edition__in={one.edition_id for one in waiting}):
        by_state[edge.edition_id, edge.from_state].append(edge)
    duties = dict(DutyHeld.objects.filter(person=person, application__in=waiting).values_list("application", "duty"))
    is_working, answers = load_calendar(), _answers_due(waiting)

    @cache
    def counted(since: date, days: int) -> WorkingDayCount:
        return count_working_days(since, days, is_working)

    found = []
    for one in waiting:
        mine = [
            edge
            for edge in by_state[one.edition_id, one.state]
            if duties.get(one.pk, edge.duty) == edge.duty
            and any((edge.duty, office) in held for office in acting_for(one, edge.office))
        ]
        since = one.state_since.astimezone(SHANGHAI).date()
        days = step_days(one.edition.policy, since, tuple(sorted({edge.within for edge in mine} - {""})))
        ends = [counted(since, days) if days else None]
        if any(edge.duty == Duty.PUBLISH for edge in mine):
            ends.append(answers.get(one.pk))
        due = min(filter(None, ends), key=lambda end: end.certain_until, default=None)
        found.append(WaitingApplication(one, tuple(edge.action for edge in mine), due))
    return found


def _answers_due(waiting: Sequence[Application]) -> dict[int, WorkingDayCount | None]:
    """By application the days to answer the oldest objection that waits; none where none does."""
    rows = Objection.objects.filter(line__application__in=waiting, answer__isnull=True).order_by("-at")
    oldest = {one.line.application_id: one for one in rows.select_related("line__notice", "line__step__edition")}
    due = answers_due(oldest.values())
    return {application: due[one.pk] for application, one in oldest.items()}
