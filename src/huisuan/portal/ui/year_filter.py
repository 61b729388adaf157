"""Which year a page shows."""

from __future__ import annotations

from django.http import HttpRequest

from huisuan.settlement.runs.queries import latest_runs


def chosen_year(request: HttpRequest, years: list[int]) -> int | None:
    """The year asked for, if it is one of them; else the newest that is settled; else the newest."""
    asked = request.GET.get("year", "")
    settled = set(latest_runs().values_list("year", flat=True))
    first = next((year for year in years if year in settled), years[0] if years else None)
    return next((year for year in years if str(year) == asked), first)
