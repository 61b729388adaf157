"""What a city paid, entered and corrected by the city's own people; what province's share follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.shares import load_shares
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.models import Application, CityShare
from huisuan.treasury.city_payment_import import import_city_payments
from huisuan.treasury.city_payments import city_payments_known, lower_city_payment, reverse_city_payment
from huisuan.treasury.models import CityPayment, CityPaymentCut


@dataclass(frozen=True)
class ShareLine:
    """An application that claims the province's share of a project: what it is owed now, granted and paid, in fen."""

    application: Application
    owed_fen: int | None
    granted_fen: int
    kept_fen: int

    @property
    def excess_fen(self) -> int:
        """What is granted above what the vouchers give now: unpaid it shrinks, paid it is recovered."""
        return max(0, max(self.granted_fen, self.kept_fen) - (self.owed_fen or 0))


def visible_payments(viewer: Viewer, now: datetime) -> QuerySet[CityPayment, Any]:
    """A city's own; of all cities to province, treasury and audit; each with `left_fen`."""
    found = city_payments_known(now.astimezone(SHANGHAI).date()).select_related("payee", "city")
    if viewer.sees_everything or viewer.role == Role.TREASURY:
        return found
    return found.filter(city=viewer.city) if viewer.role == Role.CITY else found.none()


def get_payment(viewer: Viewer, number: int, now: datetime) -> CityPayment:
    """One by its id.

    Raises:
        NotFound: none, as far as the viewer may know.
    """
    found: CityPayment | None = visible_payments(viewer, now).filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有市级拨付 {number}", code="treasury.city_voucher_unknown")
    return found


def import_vouchers(content: bytes, name: str, person: Person, now: datetime) -> FileReport:
    """Enter a file of the person's own city; lines of another are refused, the good ones stay.

    Raises:
        NotAllowed: not by one of a city's people.
        InvalidRequest: the file is not a CSV with the columns of the register.
    """
    return import_city_payments(content, name, treasury_act(person, now), city=_own_city(person))


def lower_voucher(number: int, fen: int, reason: str, person: Person, now: datetime) -> CityPaymentCut:
    """Take so much off a payment of the person's own city.

    Raises:
        NotAllowed, NotFound: not by one of that city's people.
        InvalidRequest, Conflict: see `lower_city_payment`.
    """
    return lower_city_payment(_own(number, person, now), fen, reason, treasury_act(person, now))


def reverse_voucher(number: int, reason: str, person: Person, now: datetime) -> CityPaymentCut:
    """Take off all that is left of a payment of the person's own city.

    Raises:
        NotAllowed, NotFound: not by one of that city's people.
        InvalidRequest, Conflict: see `reverse_city_payment`.
    """
    return reverse_city_payment(_own(number, person, now), reason, treasury_act(person, now))


def shares_of_project(payment: CityPayment) -> list[ShareLine]:
    """The applications of the city that claim the province's share of the payment's project, the oldest first."""
    rows = CityShare.objects.filter(project=payment.project, application__city=payment.city_id)
    applications = list(Application.objects.filter(pk__in=rows.values("application")).order_by("pk"))
    bases = {pk: one for pk, one in load_shares(applications).items() if one.share.project == payment.project}
    return list(_lines([one for one in applications if one.pk in bases], {pk: b.owed_fen for pk, b in bases.items()}))


def _lines(applications: list[Application], owed: dict[int, int | None]) -> Iterable[ShareLine]:
    awards, committed = standing_awards(applications), commitments_of(applications)
    for one in applications:
        granted = awards[one.pk].amount_fen if one.pk in awards else 0
        yield ShareLine(one, owed[one.pk], granted, paid_so_far(committed.get(one.pk, [])).kept_fen)


def _own_city(person: Person) -> str:
    if person.role != Role.CITY or person.machine or not person.is_active or not person.city_id:
        raise NotAllowed("市级拨付由本市的人员登记和更正", code="treasury.city_payment_of_another")
    return person.city_id


def _own(number: int, person: Person, now: datetime) -> CityPayment:
    _own_city(person)
    return get_payment(Viewer.for_person(person), number, now)
