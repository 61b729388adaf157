"""What is there now: free cards, queues, prices, waits, for everybody who is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language

from huisuan.base.errors import Refused
from huisuan.compute.jobs.availability import availability
from huisuan.compute.placement.messages import round_up
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.address import refused
from huisuan.protocol.placement import Availability, PoolNow


@dataclass(frozen=True)
class PoolRow:
    """A pool as the page shows it; `net_fen` rounded up, `waits` in the order of the sizes."""

    pool: PoolNow
    place: str
    net_fen: int | None
    waits: list[tuple[int, int | None]]
    is_cheapest: bool
    is_soonest: bool


@allow()
def now_page(request: HttpRequest) -> HttpResponse:
    """Every pool, and the best for a job of the size that the address names."""
    cards, hours = (_number(request.GET.get(key, "")) for key in ("cards", "hours"))
    wrong = [key for key, number in (("cards", cards), ("hours", hours)) if request.GET.get(key) and number is None]
    model = request.GET.get("model", "").strip()
    viewer, now = viewer_of(request), timezone.now()
    try:
        found = availability(viewer, now, cards=1 if cards is None else cards, hours=1 if hours is None else hours)
    except Refused:
        wrong, found = ["cards", "hours"], availability(viewer, now)
    models = sorted({pool.model for pool in found.pools})
    if model and model not in models:
        wrong, model = [*wrong, "model"], ""
    elif model:
        found = availability(viewer, now, cards=found.cards, hours=found.hours, model=model)
    context: dict[str, Any] = {
        "here": "jobs", "found": found, "rows": _rows(found), "models": models, "model": model,
        "not_used": refused(request, *wrong), "has_net": viewer.role == "user",
    }  # fmt: skip
    return render(request, "portal/jobs/now.html", context)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None


def _rows(found: Availability) -> list[PoolRow]:
    english = (get_language() or "").startswith("en")
    rows = []
    for pool in found.pools:
        key, net = [pool.centre, pool.model], pool.net_fen_per_card_hour
        rows.append(
            PoolRow(
                pool,
                place=pool.name_en if english and pool.name_en else pool.name,
                net_fen=None if net is None else round_up(Fraction(net)),
                waits=[(size, pool.wait_seconds[str(size)]) for size in found.sizes],
                is_cheapest=key == found.cheapest,
                is_soonest=key == found.soonest,
            )
        )
    return rows
