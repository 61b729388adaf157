"""A city's desk: what it paid by voucher, what the province owes it, what it must pass on by when, what goes back.

Who oversees reads every city's: what is overdue anywhere stands above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from huisuan.law.model import LawError
from huisuan.law.policy import list_policies, load_policy
from huisuan.parties.models import Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import application_state, programme_title
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.models import Application
from huisuan.programmes.offices import is_city
from huisuan.programmes.payments.earmarks import EarmarkedMoney, earmarked_money
from huisuan.treasury.models import CityPayment, Debt

_MOST = 200  # of each list


@dataclass(frozen=True)
class OwedRow:
    """An application of the city: what was granted, what of it is paid and what the province still owes, in fen."""

    application: Application
    title: str
    word: Word
    granted_fen: int
    paid_fen: int

    @property
    def owed_fen(self) -> int:
        """What is still to be paid."""
        return max(0, self.granted_fen - self.paid_fen)


@dataclass(frozen=True)
class CityDesk:
    """All of it; `payments` are cut at so many, their sum is not."""

    city: Region
    payments: Sequence[CityPayment]
    paid_by_city_fen: int
    owed: Sequence[OwedRow]
    passing: Sequence[EarmarkedMoney]
    debts: Sequence[Debt]

    @property
    def owed_fen(self) -> int:
        """What the province owes it together."""
        return sum(row.owed_fen for row in self.owed)

    @property
    def left_fen(self) -> int:
        """What of the earmarked money is not used yet."""
        return sum(row.left_fen for row in self.passing)

    @property
    def back_fen(self) -> int:
        """What is still to be paid back."""
        return sum(debt.account.balance for debt in self.debts)

    @property
    def overdue(self) -> Sequence[EarmarkedMoney]:
        """What was to be used by now."""
        return [row for row in self.passing if row.overdue]


@allow("city", "province", "auditor", "treasury", "department")
def city_desk(request: HttpRequest) -> HttpResponseBase:
    """The desk of the reader's own city, or of the one that is asked for."""
    viewer, today = viewer_of(request), timezone.localdate()
    cities = [place for place in Region.objects.all() if is_city(place)]
    asked = viewer.city if viewer.role == "city" else request.GET.get("city", "")
    city = next((place for place in cities if place.code == asked), None)
    if asked and city is None:
        raise Http404
    late = [row for row in _earmarked(today, viewer.city or "") if row.overdue]
    context = {
        "here": "city-desk", "cities": [] if viewer.role == "city" else cities, "late": late,
        "desk": read_city_desk(city, today) if city else None,
    }  # fmt: skip
    return render(request, "portal/programmes/city_desk.html", context)


def read_city_desk(city: Region, today: date) -> CityDesk:
    """What there is of a city on a day."""
    payments = CityPayment.objects.filter(city=city)
    cut = Coalesce(Sum("cuts__amount_fen"), 0)
    shown = payments.annotate(cut_fen=cut).select_related("payee").order_by("-paid_day", "-pk")[:_MOST]
    paid = payments.aggregate(all=Coalesce(Sum("amount_fen"), 0))["all"]
    less = payments.aggregate(all=Coalesce(Sum("cuts__amount_fen"), 0))["all"]
    debts = Debt.objects.filter(city=city).select_related("account", "commitment").order_by("-at")[:_MOST]
    return CityDesk(city, list(shown), paid - less, _owed(city), _earmarked(today, city.code), list(debts))


def _owed(city: Region) -> list[OwedRow]:
    applications = list(
        Application.objects.filter(city=city).select_related("edition").order_by("-year", "-number")[:_MOST]
    )  # fmt: skip
    awards, committed = standing_awards(applications), commitments_of(applications)
    return [
        OwedRow(
            one,
            programme_title(one.edition),
            application_state(one.state, "city"),
            awards[one.pk].amount_fen if one.pk in awards else 0,
            paid_so_far(committed.get(one.pk, [])).kept_fen,
        )
        for one in applications
    ]


def _earmarked(today: date, city: str) -> list[EarmarkedMoney]:
    found = []
    for name in list_policies():
        try:
            load_policy(name)
        except LawError:  # its own page says what is wrong with it
            continue
        found += earmarked_money(name, today, city)
    return found
