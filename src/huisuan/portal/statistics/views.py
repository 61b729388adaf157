"""Public statistics: use by month and city, and by kind. No party can be told, and the page says by what rule."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _t

from huisuan.parties.models import Region
from huisuan.parties.route_access import public_page
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.export import BOM, harmless
from huisuan.portal.ui.state_labels import local_name
from huisuan.settlement.statistics.disclosure import LARGEST_SHARE, LEAST_PARTIES, OTHERS
from huisuan.settlement.statistics.queries import (
    StatisticsRow,
    is_settled_whole,
    monthly_by_city,
    settled_statistics_years,
    yearly_by_kind,
)

#: the columns of the open files; names stay, columns are only added
OPEN_COLUMNS = ("year", "month", "key", "name", "parties", "card_hours", "spend_yuan")


def _year(request: HttpRequest) -> tuple[list[int], int | None, list[str]]:
    """The settled years, the one to show, and what of the address cannot be used."""
    years = settled_statistics_years()
    asked = request.GET.get("year", "")
    chosen = next((year for year in years if str(year) == asked), years[0] if years else None)
    return years, chosen, [] if not asked or str(chosen) == asked else refused(request, "year")


@public_page
def statistics_page(request: HttpRequest) -> HttpResponseBase:
    """A year in sums, for everyone."""
    years, year, _not_used = _year(request)
    cities, kinds = (monthly_by_city(year), yearly_by_kind(year)) if year else ([], [])
    context: dict[str, Any] = {
        "here": "statistics", "years": years, "year": year,
        "cities": _named(cities, _city_names()), "kinds": _named(kinds, _kind_names()),
        "whole": year is not None and is_settled_whole(year),
        "total": sum(row.cell.card_seconds for row in cities), "spend": sum(row.cell.spend_fen for row in cities),
        "least": LEAST_PARTIES, "share": LARGEST_SHARE[0] * 100 // LARGEST_SHARE[1],
    }  # fmt: skip
    return render(request, "portal/statistics/statistics.html", context)


@public_page
def statistics_file(request: HttpRequest, name: str) -> HttpResponse:
    """The same sums as an open CSV: `usage-by-city` or `usage-by-kind`."""
    if name not in ("usage-by-city", "usage-by-kind"):
        raise Http404
    _years, year, not_used = _year(request)
    if not_used or year is None:
        raise Http404
    by_city = name == "usage-by-city"
    rows = monthly_by_city(year) if by_city else yearly_by_kind(year)
    buffer = io.StringIO()
    buffer.write(BOM)
    writer = csv.writer(buffer)
    writer.writerow(OPEN_COLUMNS)
    writer.writerows(_cells(year, rows, _city_names() if by_city else _kind_names()))
    answer = HttpResponse(buffer.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}-{year}.csv"'
    return answer


def _cells(year: int, rows: Sequence[StatisticsRow], names: dict[str, str]) -> Iterator[list[str]]:
    for row in rows:
        hours = (Decimal(row.cell.card_seconds) / 3600).quantize(Decimal("0.01"))
        yield [
            str(year), f"{row.month:%Y-%m}" if row.month else "", row.key, harmless(names.get(row.key, row.key)),
            str(row.cell.parties), str(hours), str(Decimal(row.cell.spend_fen).scaleb(-2)),
        ]  # fmt: skip


def _named(rows: Sequence[StatisticsRow], names: dict[str, str]) -> list[tuple[StatisticsRow, str]]:
    return [(row, names.get(row.key, row.key)) for row in rows]


def _city_names() -> dict[str, str]:
    return {region.code: local_name(region) for region in Region.objects.all()} | {OTHERS: _t("其他合计")}


def _kind_names() -> dict[str, str]:
    return {kind: str(label) for kind, label in state_labels.PARTY.items()} | {OTHERS: _t("其他合计")}
