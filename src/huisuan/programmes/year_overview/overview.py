"""A year by programme: how many applications stand where, the money of its sentence, and what is overdue on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from huisuan.law.policy import Policy
from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.programmes.models import Application, ProcedureEdge
from huisuan.programmes.workflow.due import due_rank, overdue_rank
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


_NONE = {"applications": 0, "open": 0, "granted": 0, "refused": 0, "withdrawn": 0}


def _counts(policy: str, year: int) -> dict[str, dict[str, int]]:
    held = Application.objects.filter(edition__policy=policy, year=year).order_by()
    found = held.values_list("edition__key").annotate(
        Count("pk"),
        open=Count("pk", filter=~Q(state__in=[state.value for state in CLOSING_STATES])),
        granted=Count("pk", filter=Q(state__in=[state.value for state in _GRANTED])),
        refused=Count("pk", filter=Q(state=State.REFUSED.value)),
        withdrawn=Count("pk", filter=Q(state=State.WITHDRAWN.value)),
    )
    return {key: dict(zip(_NONE, numbers, strict=True)) for key, *numbers in found}


def overdue_among(held: QuerySet[Application], today: date) -> QuerySet[Application]:
    """Those of some applications of which a step is overdue on a day, whoever is to take it."""
    edges = list(
        ProcedureEdge.objects.filter(edition__in=held.order_by().values("edition")).select_related("edition")
    )  # fmt: skip
    if not edges:
        return held.none()
    return held.annotate(overdue=due_rank(edges, today)).filter(overdue__lte=overdue_rank(today))


def _overdue(policy: str, year: int, today: date) -> Mapping[str, int]:
    held = Application.objects.filter(edition__policy=policy, year=year)
    return dict(overdue_among(held, today).order_by().values_list("edition__key").annotate(Count("pk")))
