"""The province's compute on one page: the cities on a tile map, size against use, what waits, vendors and models."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t

from huisuan.documents.tile_map import TILES
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.centres.views import centre_table
from huisuan.portal.federation.history import cities_of_month, map_month, months_of_use, number_of_month
from huisuan.portal.federation.queries import CityRow, Federation, federation
from huisuan.portal.ui import charts, number_format, state_labels
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.table import render_tables

_MOST_MODELS = 12


@dataclass(frozen=True)
class Tile:
    """One city's square: where it stands, what it says, how full its bar is (per mille)."""

    row: int
    column: int
    city: CityRow
    href: str
    used: str

    @property
    def empty(self) -> bool:
        """Whether no centre is there."""
        return not self.city.centres


@allow("province", "auditor", "city")
def compute_page(request: HttpRequest) -> HttpResponseBase:
    """The federation as it stands now."""
    viewer, now = viewer_of(request), timezone.now()
    past = _history(request, viewer)
    if request.htmx.target == "history" and past:  # type: ignore[attr-defined]
        return render(request, "portal/federation/history.html", past)
    found = federation(viewer, now)
    context = {
        "here": "compute",
        "found": found,
        "now": now,
        "tiles": [_tile(row) for row in found.cities if row.region.code in TILES],
        "charts": _charts(found),
        **past,
        "total_used": number_format.format_percentage(found.total.used, found.total.seen),
    }
    return render_tables(
        request, "portal/federation/compute.html", context, [centre_table(request, viewer, name="centres")]
    )


def _history(request: HttpRequest, viewer: Viewer) -> dict[str, Any]:
    """The month that the address names, else the last with use; nothing where there never was any."""
    months = months_of_use(viewer)
    if not months:
        return {}
    asked = request.GET.get("month", "")
    month = map_month(asked, months) or months[-1]
    place = months.index(month)
    return {
        "month": month, "at": number_of_month(month), "least": number_of_month(months[0]),
        "most": number_of_month(months[-1]), "before": months[place - 1] if place else None,
        "after": months[place + 1] if place + 1 < len(months) else None,
        "months_cities": cities_of_month(viewer, month),
        "not_used": refused(request, "month") if asked and not map_month(asked, months) else [],
    }  # fmt: skip


def _tile(row: CityRow) -> Tile:
    place = TILES[row.region.code]
    href = f"{reverse('centres')}?{urlencode({'city': row.region.code})}"
    return Tile(*place, row, href, number_format.format_percentage(row.size.used, row.size.seen))


def _charts(found: Federation) -> list[charts.Chart]:
    """Size by vendor, and by model."""
    heads = (_t("厂商"), "P"), (_t("型号"), "P")
    vendors = [_bar(name, size.p) for name, size in found.vendors if size.p]
    models = [_bar(row.accelerator.model, row.size.p) for row in found.models if row.size.p][:_MOST_MODELS]
    drawn = []
    if vendors:
        drawn.append(charts.ranking(_t("登记算力，按厂商（P）"), heads[0], vendors))
    if models:
        drawn.append(charts.ranking(_t("登记算力，按型号（P）"), heads[1], models))
    return drawn


def _bar(name: str, size: Decimal) -> charts.Bar:
    return charts.Bar(state_labels.local_name(name) or name, f"{number_format.petaflops(size)} P", size)
