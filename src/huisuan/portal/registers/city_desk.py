"""A city's desk: what it paid by voucher, what the province owes it, what it must pass on by when, what goes back.

Who oversees reads every city's: what is overdue anywhere stands above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from huisuan.law.model import LawError
from huisuan.law.policy import list_policies, load_policy
from huisuan.parties.models import Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.words import application_state, programme_title
from huisuan.portal.ui.state_labels import Word
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.models import Application, Award
from huisuan.programmes.offices import is_city
from huisuan.programmes.payments.city_vouchers import visible_payments
from huisuan.programmes.payments.earmarks import EarmarkedMoney, earmarked_money
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.treasury.models import CityPayment, Debt

_MOST = 200  # payments; the others are whole, since they are added up


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
    viewer, now = viewer_of(request), timezone.now()
    today = timezone.localdate(now)
    cities = [place for place in Region.objects.all() if is_city(place)]
    asked = viewer.city if viewer.role == "city" else request.GET.get("city", "")
    city = next((place for place in cities if place.code == asked), None)
    if asked and city is None:
        raise Http404
    seen = _seen(viewer, _earmarked(today, viewer.city or ""))
    late, beyond = [row for row in seen if row.overdue], [row for row in seen if row.beyond_fen]
    context = {
        "here": "city-desk", "cities": [] if viewer.role == "city" else cities, "late": late,
        "beyond": beyond, "desk": read_city_desk(viewer, city, now) if city else None,
    }  # fmt: skip
    return render(request, "portal/programmes/city_desk.html", context)


def read_city_desk(viewer: Viewer, city: Region, now: datetime) -> CityDesk:
    """What the viewer may know of a city: vouchers and applications as their own lists show them, debts of these."""
    payments = visible_payments(viewer, now).filter(city=city)
    shown = payments.annotate(cut_fen=F("amount_fen") - F("left_fen")).order_by("-paid_day", "-pk")[:_MOST]
    paid = int(payments.aggregate(all=Sum("left_fen"))["all"] or 0)
    visible = visible_applications(viewer).filter(city=city)
    keys = Award.objects.filter(application__in=visible.values("pk")).values("key")
    debts = Debt.objects.filter(city=city, commitment__award__in=keys).select_related("account", "commitment")
    passing = _seen(viewer, _earmarked(timezone.localdate(now), city.code))
    return CityDesk(city, list(shown), paid, _owed(visible), passing, list(debts.order_by("-at")))


def _seen(viewer: Viewer, rows: Sequence[EarmarkedMoney]) -> list[EarmarkedMoney]:
    mine = visible_applications(viewer).filter(number__in=[row.number for row in rows])
    numbers = set(mine.values_list("number", flat=True))
    return [row for row in rows if row.number in numbers]


def _owed(visible: QuerySet[Application]) -> list[OwedRow]:
    applications = list(visible.order_by("-year", "-number"))
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
