"""What waits for a person: applications on which a post of today lets them act, by when, and what is overdue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import load_policy
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, DutyHeld, Post, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.workflow.ties import find_ties

INBOX_PAGE = 100


@dataclass(frozen=True)
class WaitingApplication:
    """An application with the actions that the person may take, and the soonest of their ends (None: no days set)."""

    application: Application
    actions: tuple[str, ...]
    due: WorkingDayCount | None

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """As JSON carries it. Overdue is only what certainly is: a year without a calendar leaves the end open."""
        ends = self.due.ends_at if self.due else None
        return {
            "id": self.application.pk, "number": self.application.number, "programme": self.application.edition.key,
            "party": str(self.application.party or self.application.city_id), "state": self.application.state,
            "actions": list(self.actions), "due": ends.isoformat() if ends else None,
            "overdue": ends is not None and ends <= now,
        }  # fmt: skip


def list_waiting(person: Person, now: datetime, *, after: int = 0, limit: int = INBOX_PAGE) -> list[WaitingApplication]:
    """What waits for a person's posts of today, oldest first; `after` is the last id of the page before.

    Left out is what the person may not act on: tied to the applicant, or in another duty there.
    """
    day = now.astimezone(SHANGHAI).date()
    posts = list(posts_in_force(person, day))
    edges = ProcedureEdge.objects.filter(_of_posts(posts))
    held = DutyHeld.objects.filter(person=person, application=OuterRef(OuterRef("pk"))).exclude(duty=OuterRef("duty"))
    open_edges = edges.filter(edition=OuterRef("edition"), from_state=OuterRef("state")).exclude(Exists(held))
    waiting = list(
        Application.objects.filter(Exists(open_edges), pk__gt=after)
        .select_related("party", "edition")
        .order_by("pk")[:limit]
    )
    tied = find_ties(person, waiting, day)
    return _with_due([one for one in waiting if one.pk not in tied], edges.all(), person)


def _of_posts(posts: Sequence[Post]) -> Q:
    mine = Q(pk__in=())
    for post in posts:
        mine |= Q(duty=post.duty, office=post.office.name)
    return mine


def _with_due(waiting: list[Application], edges: QuerySet[ProcedureEdge], person: Person) -> list[WaitingApplication]:
    by_state: dict[tuple[int, str], list[ProcedureEdge]] = defaultdict(list)
    for edge in edges.filter(edition__in={one.edition_id for one in waiting}):
        by_state[edge.edition_id, edge.from_state].append(edge)
    duties = dict(DutyHeld.objects.filter(person=person, application__in=waiting).values_list("application", "duty"))
    is_working = load_calendar()

    @cache
    def counted(since: date, days: int) -> WorkingDayCount:
        return count_working_days(since, days, is_working)

    found = []
    for one in waiting:
        mine = [edge for edge in by_state[one.edition_id, one.state] if duties.get(one.pk, edge.duty) == edge.duty]
        since = one.state_since.astimezone(SHANGHAI).date()
        days = step_days(one.edition.policy, since, tuple(sorted({edge.within for edge in mine} - {""})))
        actions = tuple(edge.action for edge in mine)
        found.append(WaitingApplication(one, actions, counted(since, days) if days else None))
    return found


def step_days(policy_name: str, since: date, settings: tuple[str, ...]) -> int | None:
    """The fewest working days that any of some settings gives on a day; None where none is set."""
    if not settings:
        return None
    policy = load_policy(policy_name)
    held = policy.adopted(min(since, policy.valid_to), date.max)
    days = [held[name].value for name in settings if name in held]
    return min((number for number in days if isinstance(number, int) and number > 0), default=None)
