"""What cities paid, by voucher: a file entered with its report, one voucher, lowered and reversed with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.csv_lines import LARGEST_CSV, FileReport
from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.words import application_state, refusal_status
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.payments.city_vouchers import (
    get_payment,
    import_vouchers,
    lower_voucher,
    reverse_voucher,
    shares_of_project,
    visible_payments,
)

_READERS = ("city", "province", "treasury", "auditor")
_FAULTS_SHOWN = 200


@allow(*_READERS)
@require_http_methods(["GET", "POST"])
def city_vouchers_page(request: HttpRequest) -> HttpResponseBase:
    """The vouchers; POST enters a file of the reader's own city and shows what became of each line."""
    if request.method != "POST":
        return _listed(request)
    assert isinstance(request.user, Person)
    try:
        content, name = _given(request)
        report = import_vouchers(content, name, request.user, timezone.now())
    except Refused as refusal:
        return _listed(request, refused=refusal)
    return _listed(request, report)


def _given(request: HttpRequest) -> tuple[bytes, str]:
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise InvalidRequest("没有选文件，或文件是空的：请选一个 CSV", code="file.missing")
    if file.size > LARGEST_CSV:
        raise InvalidRequest("文件太大：请分成几个再导入", code="file.too_large")
    return file.read(), file.name or "CSV"


def payment_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The vouchers of cities that the viewer may see."""

    def cities(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(each.code, local_name(each)) for each in Region.objects.filter(city_payments__isnull=False).distinct()]

    return Table(
        request,
        visible_payments(viewer, timezone.now()),
        [
            Column("voucher", _("凭证"), "voucher", Kind.CODE, sort="voucher", link=_address),
            Column("city", _("市"), lambda row: local_name(row.city), sort="city"),
            Column("project", _("项目"), "project", sort="project"),
            Column("payee", _("收款方"), lambda row: local_name(row.payee) if row.payee else "", sort="payee__name"),
            Column("day", _("支付日"), "paid_day", Kind.DAY, sort="paid_day"),
            Column("amount", _("登记金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("left", _("现存"), "left_fen", Kind.FEN, sort="left_fen", total="left_fen"),
            Column("known", _("何日起知道"), "known_from", Kind.DAY, sort="known_from", minor=True),
            Column("by", _("谁"), "by", Kind.CODE, sort="by", minor=True),
            Column("source", _("文件"), "source", minor=True),
        ],
        file="city-payments",
        order="-day",
        search=("voucher", "project", "payee__name"),
        choices=[] if viewer.role == "city" else [
            Choice("city", _("市"), cities, lambda rows, code: rows.filter(city=code)),
        ],
        empty=Empty(_("还没有登记市级拨付：由市的人员导入 CSV，一张凭证一行；省级分担从这里算出。")),
    )  # fmt: skip


def _listed(request: HttpRequest, report: FileReport | None = None, refused: Refused | None = None) -> HttpResponseBase:
    viewer = viewer_of(request)
    table = payment_table(request, viewer)
    context = {
        "here": "city-payments", "enters": viewer.role == "city", "report": report,
        "faults": report.faults[:_FAULTS_SHOWN] if report else [],
        "more": max(0, len(report.faults) - _FAULTS_SHOWN) if report else 0,
        "refused": refusal_html(refused) if refused else "",
    }  # fmt: skip
    status = refusal_status(refused) if refused else 200
    return render_tables(request, "portal/treasury/city_vouchers.html", context, [table], status=status)


def _address(row: Any) -> str:
    return reverse("city-payment", args=[row.pk])


@allow(*_READERS)
@require_http_methods(["GET", "POST"])
def city_voucher_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One voucher with what was taken off it and what follows; POST lowers it, or reverses what is left."""
    if request.method != "POST":
        return _one(request, number, {})
    assert isinstance(request.user, Person)
    typed = {name: request.POST.get(name, "").strip() for name in ("amount", "reason")}
    now = timezone.now()
    try:
        if "reverse" in request.POST:
            reverse_voucher(number, typed["reason"], request.user, now)
        else:
            lower_voucher(number, _fen(typed["amount"]), typed["reason"], request.user, now)
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        return _one(request, number, typed, refusal)
    messages.success(request, _t("已记下：原登记留着，现存数改为核减之后的。"))
    return redirect("city-payment", number=number)


def _fen(text: str) -> int:
    fen = parse_typed_yuan(text)
    if not fen:
        raise InvalidRequest("金额读不出：以元填写，至多两位小数，如 1234567.85", code="application.amount_malformed")
    return fen


def _one(request: HttpRequest, number: int, typed: dict[str, str], refused: Refused | None = None) -> HttpResponse:
    viewer = viewer_of(request)
    try:
        payment: Any = get_payment(viewer, number, timezone.now())
    except NotFound:
        raise Http404 from None
    shares = [(one, application_state(one.application.state, viewer.role)) for one in shares_of_project(payment)]
    context = {
        "here": "city-payments", "payment": payment, "city": local_name(payment.city),
        "payee": local_name(payment.payee) if payment.payee else "", "cuts": list(payment.cuts.all()),
        "shares": shares, "enters": viewer.role == "city" and payment.left_fen > 0, "typed": typed,
        "refused": refusal_html(refused) if refused else "",
    }  # fmt: skip
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/treasury/city_voucher.html", context, status=status)
