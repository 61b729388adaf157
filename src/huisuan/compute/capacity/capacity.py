"""How large a centre is: what it claims, what its agent saw, what its records show in use. Sentence 1.2 rests on it.

Claimed: cards of its partitions. Seen: cards that its scheduler showed to the agent, now and at most on one day.
Used: the most cards held at once in its usage records. P of each: cards x dense FP16 TFLOPS / 1000, exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Case, DecimalField, F, Max, Q, Sum, When, prefetch_related_objects

from huisuan.compute.centres.queries import format_decimal
from huisuan.compute.metering.usage.daily_totals import update_daily_totals
from huisuan.compute.models import Centre, CentreNode, UsageDay

TFLOPS_PER_P = Decimal(1000)
_TFLOPS: DecimalField[Any, Any] = DecimalField(max_digits=30, decimal_places=1)


@dataclass(frozen=True)
class Size:
    """So many P, since when or at what moment; None where nobody knows."""

    p: Decimal | None = None
    at: datetime | date | None = None


@dataclass(frozen=True)
class ModelSize:
    """The cards of one model; `used` is the most at once of this model alone."""

    model: str
    tflops_fp16: Decimal
    claimed: int = 0
    seen: int | None = None
    used: int = 0
    used_at: datetime | None = None


@dataclass(frozen=True)
class Capacity:
    """A centre's three capacities. `seen_most` is the largest sum of one day; `unknown` are cards of no known model."""

    centre: str
    claimed: Size
    seen: Size
    seen_most: Size
    used: Size
    models: list[ModelSize] = field(default_factory=list)
    unknown: int = 0


def capacity(centre: Centre, first: date, last: date, *, at_most: int | None = None) -> Capacity:
    """The three capacities; use is looked for on the days (Shanghai) from `first` until before `last`.

    With `at_most`, records that are not counted by day yet are left to the worker where there are more than so many.
    """
    update_daily_totals(centre, at_most)
    return counted_capacity(centre, first, last)


def counted_capacity(centre: Centre, first: date, last: date) -> Capacity:
    """The same of what is counted already: use is looked for on the days from `first` until before `last`."""
    claimed, tflops = _claimed(centre)
    seen, seen_at, unknown = _seen(centre, tflops)
    peaks = _peaks(centre, first, last, tflops)
    models = [
        ModelSize(
            model, tflops[model], claimed.get(model, 0), seen.get(model, 0) if seen_at else None, *_peak(peaks, model)
        )
        for model in sorted(tflops)
    ]
    most = _most_on_a_day(centre)
    return Capacity(
        centre=centre.code,
        claimed=Size(_p(claimed.items(), tflops)),
        seen=Size(_p(seen.items(), tflops), seen_at) if seen_at else Size(),
        seen_most=most,
        used=_used(peaks),
        models=models,
        unknown=unknown,
    )


def capacity_to_dict(found: Capacity) -> dict[str, Any]:
    """The capacities as JSON and lists show them; P are exact decimal texts."""
    sizes = {name: getattr(found, name) for name in ("claimed", "seen", "seen_most", "used")}
    return {
        "centre": found.centre,
        **{f"{name}_p": None if size.p is None else format_decimal(size.p) for name, size in sizes.items()},
        **{f"{name}_at": size.at for name, size in sizes.items() if name != "claimed"},
        "unknown_cards": found.unknown,
        "models": [
            {
                "model": each.model, "tflops_fp16": format_decimal(each.tflops_fp16), "claimed": each.claimed,
                "seen": each.seen, "used": each.used, "used_at": each.used_at,
            }
            for each in found.models
        ],
    }  # fmt: skip


def _p(cards: Iterable[tuple[str, int]], tflops: dict[str, Decimal]) -> Decimal:
    return sum((count * tflops[model] for model, count in cards), Decimal(0)) / TFLOPS_PER_P


def _claimed(centre: Centre) -> tuple[dict[str, int], dict[str, Decimal]]:
    cards: dict[str, int] = defaultdict(int)
    tflops: dict[str, Decimal] = {}
    prefetch_related_objects([centre], "partitions__accelerator")
    for partition in centre.partitions.all():
        cards[partition.accelerator.model] += partition.cards
        tflops[partition.accelerator.model] = partition.accelerator.tflops_fp16
    return cards, tflops


def _seen(centre: Centre, tflops: dict[str, Decimal]) -> tuple[dict[str, int], datetime | None, int]:
    """Cards by model as the scheduler shows them; a node that stands in two partitions counts once."""
    cards: dict[str, int] = {}
    unknown = 0
    latest: datetime | None = None
    nodes = CentreNode.objects.filter(centre=centre)
    once = nodes.order_by("name", "local_card", "pk").distinct("name", "local_card").values("pk")
    by_model = nodes.order_by().values_list("accelerator__model", "accelerator__tflops_fp16")
    for model, each, held, at in by_model.annotate(
        held=Sum("cards", filter=Q(pk__in=once)), latest=Max("seen_at")
    ):  # fmt: skip
        latest = max(latest or at, at)
        if held is None:
            continue
        if model is None:
            unknown = held
        else:
            cards[model], tflops[model] = held, each
    return cards, latest, unknown


def _most_on_a_day(centre: Centre) -> Size:
    """The largest sum of one day, the first of them."""
    by_day = centre.sightings.order_by().values_list("day")
    most = Sum(F("most") * F("accelerator__tflops_fp16"), output_field=_TFLOPS)
    found = by_day.annotate(tflops=most).order_by("-tflops", "day").first()
    return Size(found[1] / TFLOPS_PER_P, found[0]) if found else Size()


def _peaks(centre: Centre, first: date, last: date, tflops: dict[str, Decimal]) -> dict[str, tuple[Decimal, datetime]]:
    """By model the most cards at once and when first; under "" the most TFLOPS of all models together."""
    days = UsageDay.objects.filter(centre=centre, day__gte=first, day__lt=last)
    most = Case(When(accelerator=None, then=F("most_tflops")), default=F("most_cards"), output_field=_TFLOPS)
    peaks = days.annotate(most=most).order_by("accelerator_id", "-most", "most_at").distinct("accelerator_id")
    found: dict[str, tuple[Decimal, datetime]] = {}
    for model, each, held, at in peaks.values_list(
        "accelerator__model", "accelerator__tflops_fp16", "most", "most_at"
    ):  # fmt: skip
        found[model or ""] = held, at
        if model:
            tflops[model] = each
    return found


def _peak(peaks: dict[str, tuple[Decimal, datetime]], model: str) -> tuple[int, datetime | None]:
    cards, at = peaks.get(model, (Decimal(0), None))
    return int(cards), at


def _used(peaks: dict[str, tuple[Decimal, datetime]]) -> Size:
    if "" not in peaks:
        return Size(Decimal(0))
    most, at = peaks[""]
    return Size(most / TFLOPS_PER_P, at)
