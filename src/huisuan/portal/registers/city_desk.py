"""A city's desk: what it paid by voucher, what the province owes it, what it must pass on by when, what goes back.

Who oversees reads every city's: what is overdue anywhere stands above. Each list is searched, paged and exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.law.model import LawError
from huisuan.law.policy import list_policies, load_policy
from huisuan.parties.models import Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.words import application_state, programme_title
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.models import Application, Award
from huisuan.programmes.offices import is_city
from huisuan.programmes.payments.city_vouchers import visible_payments
from huisuan.programmes.payments.earmarks import EarmarkedMoney, earmarked_money
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.treasury.models import CityPayment, Debt

_LATE = Word(_("逾期"), "bad")
_IN_TIME = Word(_("未到期"), "plain")


@dataclass(frozen=True)
class CityDesk:
    """What a viewer may know of a city; the sums are over all of it."""

    city: Region
    payments: QuerySet[CityPayment]
    applications: QuerySet[Application]
    debts: QuerySet[Debt]
    passing: Sequence[EarmarkedMoney]

    @property
    def paid_by_city_fen(self) -> int:
        """What stands of what the city paid."""
        return int(self.payments.aggregate(all=Sum("left_fen"))["all"] or 0)

    @property
    def owed_fen(self) -> int:
        """What the province owes it together."""
        return sum(granted - paid for granted, paid in granted_and_paid(list(self.applications)).values())

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
    desk = read_city_desk(viewer, city, now) if city else None
    context = {
        "here": "city-desk", "cities": [] if viewer.role == "city" else cities, "late": late,
        "beyond": beyond, "desk": desk,
    }  # fmt: skip
    return render_tables(request, "portal/programmes/city_desk.html", context, _tables(request, desk) if desk else [])


def read_city_desk(viewer: Viewer, city: Region, now: datetime) -> CityDesk:
    """What the viewer may know of a city: vouchers and applications as their own lists show them, debts of these."""
    payments = visible_payments(viewer, now).filter(city=city)
    visible = visible_applications(viewer).filter(city=city)
    keys = Award.objects.filter(application__in=visible.values("pk")).values("key")
    debts = Debt.objects.filter(city=city, commitment__award__in=keys).select_related("account", "commitment")
    passing = _seen(viewer, _earmarked(timezone.localdate(now), city.code))
    return CityDesk(city, payments, visible.select_related("edition"), debts, passing)


def granted_and_paid(applications: Sequence[Application]) -> dict[int, tuple[int, int]]:
    """By application what was granted, and what of it was paid and kept, at most that; in fen."""
    awards, committed = standing_awards(applications), commitments_of(applications)
    found = {}
    for one in applications:
        granted = awards[one.pk].amount_fen if one.pk in awards else 0
        found[one.pk] = granted, min(granted, paid_so_far(committed.get(one.pk, [])).kept_fen)
    return found


def _tables(request: HttpRequest, desk: CityDesk) -> list[Table]:
    return [_payments(request, desk), _owed(request, desk), _passing(request, desk), _debts(request, desk)]


def _payments(request: HttpRequest, desk: CityDesk) -> Table:
    return Table(
        request,
        desk.payments,
        [
            Column(
                "voucher", _("凭证"), "voucher", Kind.CODE, sort="voucher",
                link=lambda row: reverse("city-payment", args=[row.pk]),
            ),
            Column("project", _("项目"), "project", sort="project"),
            Column("payee", _("收款单位"), lambda row: local_name(row.payee) if row.payee else "", sort="payee__name"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("left", _("现存"), "left_fen", Kind.FEN, sort="left_fen", total="left_fen"),
            Column("day", _("支付日"), "paid_day", Kind.DAY, sort="paid_day"),
        ],
        file=f"city-desk-{desk.city.code}-payments",
        order="-day",
        search=("voucher", "project", "payee__name"),
        empty=Empty(_("还没有登记拨付凭证。")),
    )  # fmt: skip


def _owed(request: HttpRequest, desk: CityDesk) -> Table:
    def prepare(rows: Sequence[Any]) -> None:
        money = granted_and_paid(rows)
        for row in rows:
            row.granted_fen, row.paid_fen = money[row.pk]

    return Table(
        request,
        desk.applications,
        [
            _application_column(),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition)),
            Column("year", _("年度"), "year", Kind.CODE, sort="year"),
            Column("state", _("状态"), lambda row: application_state(row.state, "city"), Kind.STATE),
            Column("granted", _("决定金额"), "granted_fen", Kind.FEN),
            Column("paid", _("已拨付"), "paid_fen", Kind.FEN),
            Column("owed", _("应拨未拨"), lambda row: row.granted_fen - row.paid_fen, Kind.FEN),
        ],
        file=f"city-desk-{desk.city.code}-owed",
        name="owed",
        order="-number",
        search=("number", "edition__key"),
        prepare=prepare,
        empty=Empty(_("本市还没有向省申报。")),
    )


def _passing(request: HttpRequest, desk: CityDesk) -> Table:
    by_number = {row.number: row for row in desk.passing}

    def prepare(rows: Sequence[Any]) -> None:
        for row in rows:
            row.money = by_number[row.number]

    return Table(
        request,
        Application.objects.filter(number__in=by_number),
        [
            Column("number", _("申报"), "number", Kind.CODE, sort="number", link=_entry),
            Column("paid", _("已到账"), "money.paid_fen", Kind.FEN),
            Column("used", _("已使用"), "money.used_fen", Kind.FEN),
            Column("left", _("余"), "money.left_fen", Kind.FEN),
            Column("due", _("使用期限"), "money.due_on", Kind.DAY),
            Column("late", _("状态"), lambda row: _LATE if row.money.overdue else _IN_TIME, Kind.STATE),
            Column("elsewhere", _("用于其他"), "money.elsewhere_fen", Kind.FEN),
            Column("affiliate", _("付给关联方"), "money.affiliate_fen", Kind.FEN),
            Column("proposed", _("建议收回"), "money.proposed_fen", Kind.FEN),
        ],
        file=f"city-desk-{desk.city.code}-earmarked",
        name="passing",
        order="number",
        search=("number",),
        prepare=prepare,
        empty=Empty(_("没有专款到账。")),
    )


def _debts(request: HttpRequest, desk: CityDesk) -> Table:
    return Table(
        request,
        desk.debts,
        [
            Column("debt", _("追回"), "key", Kind.CODE, sort="key"),
            Column("reason", _("理由"), "reason", Kind.SENTENCE),
            Column("amount", _("应退"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("left", _("未退"), "account.balance", Kind.FEN, "account__balance", "account__balance"),
            Column("at", _("通知于"), "at", Kind.MOMENT, sort="at"),
        ],
        file=f"city-desk-{desk.city.code}-back",
        name="debts",
        order="-at",
        search=("key", "reason"),
        empty=Empty(_("没有应退回的。")),
    )


def _application_column() -> Column:
    return Column(
        "number", _("申报"), "number", Kind.CODE, sort="number",
        link=lambda row: reverse("application", args=[row.number]),
    )  # fmt: skip


def _entry(row: Any) -> str:
    entry = row.money.entry.entry
    return reverse("register-entry", args=[entry.policy, entry.register, row.number])


def _seen(viewer: Viewer, rows: Sequence[EarmarkedMoney]) -> list[EarmarkedMoney]:
    mine = visible_applications(viewer).filter(number__in=[row.number for row in rows])
    numbers = set(mine.values_list("number", flat=True))
    return [row for row in rows if row.number in numbers]


def _earmarked(today: date, city: str) -> list[EarmarkedMoney]:
    found = []
    for name in list_policies():
        try:
            load_policy(name)
        except LawError:  # its own page says what is wrong with it
            continue
        found += earmarked_money(name, today, city)
    return found
