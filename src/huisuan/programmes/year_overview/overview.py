"""A year by programme: how many applications stand where, the money of its sentence, and what is overdue on a day.

All of it is added up from what the database counts by day (`StandingCount`); only what an objection waits for is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy
from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.programmes.models import Application, Objection, ProcedureEdge, ProcedureEdition, StandingCount
from huisuan.programmes.workflow.due import day_rank, due_rank, overdue_rank
from huisuan.treasury.statements import StatementRow, load_money_statement

_GRANTED = (
    State.DECIDED, State.CONTRACTED, State.COMMITTED, State.PAYING, State.MONITORED, State.CLOSED, State.IN_RECOVERY,
)  # fmt: skip


@dataclass(frozen=True)
class ProgrammeYear:
    """One programme in a year. `money` is that of its sentence; other programmes of the sentence share it."""

    key: str
    sentence: str
    title: str
    title_en: str
    applications: int
    open: int
    granted: int
    refused: int
    withdrawn: int
    overdue: int
    money: StatementRow


def load_programme_years(policy: Policy, year: int, today: date) -> list[ProgrammeYear]:
    """A row for each programme of a policy, in the order of its text, whether anybody applied or not."""
    counts = _counts(policy.name, year)
    overdue = _overdue(policy.name, year, today)
    money = {row.key: row for row in load_money_statement("sentence", policy.name, year)}
    return [
        ProgrammeYear(
            spec.key, spec.sentence, spec.title, spec.title_en, **counts.get(spec.key, _NONE),
            overdue=overdue.get(spec.key, 0), money=money.get(spec.sentence, StatementRow(spec.sentence)),
        )
        for spec in policy.programmes
    ]  # fmt: skip


def list_years(policy: str) -> list[int]:
    """The years for which anybody applied under a policy, the newest first."""
    found = StandingCount.objects.filter(edition__policy=policy).values_list("year", flat=True)
    return list(found.order_by("-year").distinct())


_NONE = {"applications": 0, "open": 0, "granted": 0, "refused": 0, "withdrawn": 0}


def _counts(policy: str, year: int) -> dict[str, dict[str, int]]:
    held = StandingCount.objects.filter(edition__policy=policy, year=year).order_by()
    found = held.values_list("edition__key").annotate(
        Sum("number"),
        open=_sum(~Q(state__in=[state.value for state in CLOSING_STATES])),
        granted=_sum(Q(state__in=[state.value for state in _GRANTED])),
        refused=_sum(Q(state=State.REFUSED.value)),
        withdrawn=_sum(Q(state=State.WITHDRAWN.value)),
    )
    return {key: dict(zip(_NONE, numbers, strict=True)) for key, *numbers in found}


def _sum(those: Q) -> Sum:
    return Sum("number", filter=those, default=0)


def overdue_among(held: QuerySet[Application], today: date) -> QuerySet[Application]:
    """Those of some applications of which a step is overdue on a day, whoever is to take it."""
    edges = _edges(held.order_by().values("edition"))
    if not edges:
        return held.none()
    return held.annotate(overdue=due_rank(edges, today)).filter(overdue__lte=overdue_rank(today))


def _edges(editions: QuerySet[Any, Any]) -> list[ProcedureEdge]:
    found = list(ProcedureEdge.objects.filter(edition__in=editions))
    held = ProcedureEdition.objects.in_bulk({edge.edition_id for edge in found})  # each read once, not with every edge
    for edge in found:
        edge.edition = held[edge.edition_id]
    return found


def _overdue(policy: str, year: int, today: date) -> Mapping[str, int]:
    """By day of standing, and beside them those of which only the answer to an objection is overdue."""
    standing = StandingCount.objects.filter(edition__policy=policy, year=year).order_by()
    edges = _edges(standing.values("edition"))
    if not edges:
        return {}
    late = standing.annotate(rank=day_rank(edges, today)).filter(rank__lte=overdue_rank(today))
    found = Counter(dict(late.values_list("edition__key").annotate(Sum("number"))))
    waiting = Objection.objects.filter(answer__isnull=True).order_by().values("line__application")
    objected_to = Application.objects.filter(pk__in=waiting, edition__policy=policy, year=year)
    if not objected_to.exists():
        return found
    answers = overdue_among(objected_to, today)
    in_time = answers.annotate(since=TruncDate("state_since", tzinfo=SHANGHAI), rank=day_rank(edges, today))
    in_time = in_time.filter(Q(rank__isnull=True) | Q(rank__gt=overdue_rank(today))).order_by()
    found.update(dict(in_time.values_list("edition__key").annotate(Count("pk"))))
    return found
