"""A centre's months: which are open, sealed, signed by both; one row a year."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Min, Q, QuerySet
from django.urls import reverse

from huisuan.base.months import Month
from huisuan.compute.metering.checks.anomaly import FlagKind
from huisuan.compute.metering.checks.flags import open_flags
from huisuan.compute.metering.seals.queries import list_seals
from huisuan.compute.metering.usage.daily_totals import REFRESH_LIMIT, update_daily_totals
from huisuan.compute.models import Centre, Seal, UsageDay
from huisuan.portal.ui.state_labels import SEAL, Word


@dataclass(frozen=True)
class MonthCell:
    """One month: its word, and where its seal is shown; `href` is empty where there is none."""

    month: Month
    word: Word
    href: str = ""


@dataclass(frozen=True)
class Year:
    """Twelve months of a year."""

    number: int
    months: Sequence[MonthCell]


def state_of(seal: Seal, refused: frozenset[str] | set[str]) -> str:
    """How far a seal is signed; `refused`: what the open flags of its centre are about."""
    if hasattr(seal, "countersigned"):
        return "countersigned"
    if f"seal {Month.containing(seal.month)}" in refused:
        return "refused"
    return "sealed" if json.loads(seal.statement)["agents"] else "alone"


def refusals(centre: Centre) -> set[str]:
    """The seals that the centre's agent refused to sign, as its open flags name them."""
    return set(open_flags(centre).filter(kind=FlagKind.SCHEDULER).values_list("key", flat=True))


def calendar(centre: Centre, today: date, used: Collection[Month]) -> list[Year]:
    """The months of the years with use (`used`) or seals, the latest year first."""
    seals = {Month.containing(seal.month): seal for seal in list_seals(centre)}
    unsigned = any(not hasattr(seal, "countersigned") for seal in seals.values())
    this, refused = Month.containing(today), refusals(centre) if unsigned else set()
    years = sorted({each.year for each in (*seals, *used)}, reverse=True)
    return [
        Year(year, [_cell(Month(year, number), seals, used, refused, this) for number in range(1, 13)])
        for year in years
    ]


def due(centres: QuerySet[Centre], today: date) -> list[tuple[Centre, Month, Month]]:
    """The centres with months that are over, have use and can still be sealed; the first and the last of those months.

    A centre with so much use that the worker has still to count it is not among them. A few queries, however many
    the centres.
    """
    found = list(centres.select_related("tally"))
    for centre in found:
        if centre.last_sequence and not hasattr(centre, "tally"):
            update_daily_totals(centre, REFRESH_LIMIT)
    sealed = dict(Seal.objects.filter(centre__in=found).order_by().values_list("centre").annotate(last=Max("month")))
    unsealed = Q(pk__in=[])
    for centre in found:
        after = {"day__gte": Month.containing(sealed[centre.pk]).following.first_day} if centre.pk in sealed else {}
        unsealed |= Q(centre=centre, **after)
    days = UsageDay.objects.filter(unsealed, day__lt=today.replace(day=1)).order_by().values("centre")
    spans = {row["centre"]: (row["first"], row["last"]) for row in days.annotate(first=Min("day"), last=Max("day"))}
    return [
        (centre, Month.containing(spans[centre.pk][0]), Month.containing(spans[centre.pk][1]))
        for centre in found
        if centre.pk in spans
    ]


def _cell(month: Month, seals: dict[Month, Seal], used: Collection[Month], refused: set[str], this: Month) -> MonthCell:
    seal = seals.get(month)
    if seal is not None:
        address = reverse("seal", args=[seal.centre.code, str(month)])
        return MonthCell(month, SEAL[state_of(seal, refused)], address)
    if month >= this:
        return MonthCell(month, SEAL["open" if month == this else "none"] if month in used else Word(""))
    behind = seals and month < max(seals)
    return MonthCell(month, SEAL["due"] if month in used and not behind else Word(""))
