"""The map of a month that is over: how many cards were used in each city, and how many were seen there.

From the kept days of use and of sightings: sixteen cities and some years are a few hundred rows, whatever the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Max, Min, Sum
from django.urls import reverse
from django.utils.http import urlencode

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import Month
from huisuan.compute.models import CapacitySighting, UsageDay
from huisuan.documents.tile_map import TILES
from huisuan.parties.models import Region
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import number_format

_MONTHS = 12


@dataclass(frozen=True)
class CityMonth:
    """One city in a month: card-seconds, the mean of cards in use, the most that the agents saw (0: none told)."""

    region: Region
    row: int
    column: int
    href: str
    card_seconds: int
    mean_cards: int
    seen: int

    @property
    def permille(self) -> int:
        """Mean cards in use per mille of those seen; 0 where none were."""
        return min(self.mean_cards * 1000 // self.seen, 1000) if self.seen else 0

    @property
    def used(self) -> str:
        """The same as a share."""
        return number_format.format_percentage(self.mean_cards, self.seen)


def months_of_use(viewer: Viewer) -> list[Month]:
    """From the first month with use to the last, where the viewer looks; the slider's places."""
    days = UsageDay.objects.filter(viewer.centres("centre"), accelerator__isnull=True)
    span = days.aggregate(first=Min("day"), last=Max("day"))
    if span["first"] is None:
        return []
    month, last, found = Month.containing(span["first"]), Month.containing(span["last"]), []
    while month <= last:
        found.append(month)
        month = month.following
    return found


def number_of_month(month: Month) -> int:
    """A month as the slider counts it: months since year 0, so that a link stays right when others come."""
    return month.year * _MONTHS + month.number - 1


def map_month(text: str, months: list[Month]) -> Month | None:
    """The month that an address names, 2024-03 or as the slider counts; None where there is no such month here."""
    if text.isascii() and text.isdecimal() and len(text) <= 6:
        return next((month for month in months if number_of_month(month) == int(text)), None)
    try:
        asked = Month.parse(text)
    except InvalidRequest:
        return None
    return asked if asked in months else None


def cities_of_month(viewer: Viewer, month: Month) -> list[CityMonth]:
    """Every city of the map in a month."""
    within = {"day__gte": month.first_day, "day__lt": month.following.first_day}
    days = UsageDay.objects.filter(viewer.centres("centre"), accelerator__isnull=True, **within).order_by()
    used = dict(days.values_list("centre__region").annotate(total=Sum("card_seconds")))
    seen: dict[str, int] = defaultdict(int)
    sights = CapacitySighting.objects.filter(viewer.centres("centre"), **within).order_by()
    for region, _centre, _card, most in sights.values_list("centre__region", "centre", "accelerator").annotate(
        most=Max("most")
    ):
        seen[region] += most
    length = month.ends - month.starts
    found = []
    for region in Region.objects.filter(code__in=TILES):
        seconds = used.get(region.code, 0)
        href = f"{reverse('centres')}?{urlencode({'city': region.code})}"
        mean = (2 * seconds + length) // (2 * length)
        found.append(CityMonth(region, *TILES[region.code], href, seconds, mean, seen[region.code]))
    return found
