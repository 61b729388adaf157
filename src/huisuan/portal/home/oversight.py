"""The home of those who oversee (city, province, audit), and the settlement runs."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.background.progress_page import WORK_STATES
from huisuan.portal.background.settlements import settle_form
from huisuan.portal.billing.entitlements import entitlement_table
from huisuan.portal.centres.views import centre_table
from huisuan.portal.home.todo import todo_of
from huisuan.portal.seals.flags import visible_flags
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.ui.year_filter import chosen_year
from huisuan.portal.visible import compute as queries
from huisuan.settlement.models import SettlementRequest, SettlementRun
from huisuan.settlement.runs.queries import latest_runs

_RUN_COLUMNS = [
    Column(
        "number",
        _("批次"),
        lambda run: f"#{run.pk}",
        Kind.CODE,
        sort="id",
        link=lambda run: reverse("run", args=[run.pk]),
    ),
    Column("year", _("年度"), lambda run: str(run.year), sort="year"),
    Column("policy", _("政策"), "policy", sort="policy", minor=True),
    Column("sentence", _("条款"), "sentence", sort="sentence"),
    Column("records", _("用量记录"), "records", Kind.INTEGER, sort="records"),
    Column("used", _("用量"), "card_seconds", Kind.CARD_SECONDS, sort="card_seconds"),
    Column("unclaimed", _("无主用量"), "unclaimed_card_seconds", Kind.CARD_SECONDS, sort="unclaimed_card_seconds"),
    Column("amount", _("应享合计"), "amount_fen", Kind.FEN, sort="amount_fen"),
    Column("payable", _("可付合计"), "payable_fen", Kind.FEN, sort="payable_fen"),
    Column("made", _("完成"), "made_at", Kind.MOMENT, sort="made_at"),
    Column("by", _("发起人"), "requested_by", sort="requested_by", minor=True),
]


def run_table(request: HttpRequest, name: str = "") -> Table:
    """All settlement runs."""
    return Table(
        request,
        SettlementRun.objects.all(),
        _RUN_COLUMNS,
        file="runs",
        name=name,
        order="-number",
        empty=Empty(
            _("还没有结算批次。"), command="huisuan settle run --year YEAR", link="#settle", link_text=_("去结算")
        ),
    )


_REQUEST_COLUMNS = [
    Column(
        "number",
        _("提出号"),
        lambda asked: f"{asked.pk}",
        Kind.CODE,
        sort="id",
        link=lambda asked: reverse("settlement-request", args=[asked.pk]),
    ),
    Column("year", _("年度"), lambda asked: str(asked.year), sort="year"),
    Column("policy", _("政策"), "policy", sort="policy", minor=True),
    Column("state", _("状态"), lambda asked: WORK_STATES[asked.state], Kind.STATE, sort="state"),
    Column("reason", _("说明"), "reason", Kind.SENTENCE),
    Column("requested", _("提出时间"), "requested_at", Kind.MOMENT, sort="requested_at"),
    Column("ended", _("结束"), "ended_at", Kind.MOMENT, sort="ended_at", minor=True),
    Column("by", _("发起人"), "requested_by", sort="requested_by", minor=True),
]


def request_table(request: HttpRequest) -> Table:
    """What was asked of the background worker, and what became of it."""
    return Table(
        request,
        SettlementRequest.objects.all(),
        _REQUEST_COLUMNS,
        file="settlement-requests",
        name="requests",
        order="-number",
        empty=Empty(_("没有提出过后台结算。"), link="#settle", link_text=_("去结算")),
    )


def oversight_home(request: HttpRequest, viewer: Viewer) -> HttpResponseBase:
    """A year at a glance, its entitlements, and the centres."""
    every = queries.entitlements_of_newest_runs(viewer)
    years = list(every.order_by("-run__year").values_list("run__year", flat=True).distinct())
    year = chosen_year(request, years)
    of_year = every.filter(run__year=year) if year else every.none()
    bills = (
        queries.bills_of_newest_runs(viewer).filter(run__year=year)
        if year
        else queries.bills_of_newest_runs(viewer).none()
    )
    context = {
        "years": years,
        "year": year,
        "sums": of_year.aggregate(
            owed=Sum(Coalesce("payable_fen", "amount_fen")),
            parties=Count("party", distinct=True),
            paid=Count("pk", filter=Q(amount_fen__gt=0)),
        ),
        "spend": bills.aggregate(amount=Sum("amount_fen"), excluded=Sum("excluded_fen"), used=Sum("card_seconds")),
        "open_flags": visible_flags(viewer).filter(answered_at__isnull=True).count(),
        "runs": latest_runs().filter(year=year) if year and viewer.sees_everything else [],
        **todo_of(viewer, timezone.now()),
    }
    tables = [
        entitlement_table(request, viewer, of_year, name="entitlements"),
        centre_table(request, viewer, name="centres"),
    ]
    return render_tables(request, "portal/home/oversight.html", context, tables)


@allow("province", "auditor")
def run_list(request: HttpRequest) -> HttpResponseBase:
    """All settlement runs."""
    context: dict[str, Any] = {"here": "runs"}
    if viewer_of(request).role == "province":
        context |= settle_form(timezone.localdate())
    return render_tables(
        request, "portal/home/runs.html", context, [run_table(request, "runs"), request_table(request)]
    )


@allow("province", "auditor")
def run_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One run: what it read, under which law, and what came out."""
    viewer = viewer_of(request)
    run = get_object_or_404(SettlementRun, pk=number)
    context = {
        "here": "runs",
        "run": run,
        "stands": queries.is_newest_run(number),
        "cursors": sorted(run.cursors.items()),
        "digest": run.law.get("digest", ""),
        "same": {"bills": reverse("bills"), "entitlements": reverse("run", args=[number])},
    }
    rows = queries.entitlements_of_all_runs(viewer).filter(run=run)
    table = entitlement_table(request, viewer, rows, file=f"run-{number}", name="entitlements")
    return render_tables(request, "portal/home/run.html", context, [table])
