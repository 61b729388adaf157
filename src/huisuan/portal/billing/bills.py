"""Bills: the list, one bill with its lines, and the records behind a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.compute.models import Centre
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.billing import bill_lines
from huisuan.portal.ui import number_format
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.list_filters import firm_choice
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.usage.record_filters import MODEL_CHOICE
from huisuan.portal.usage.records import WITHIN, record_table
from huisuan.portal.visible import compute as queries
from huisuan.settlement.models import Bill
from huisuan.settlement.runs.queries import records_of_bill


def bill_columns(viewer: Viewer) -> list[Column]:
    """The columns of a list of bills."""
    columns = [
        Column("month", _("月份"), "month", Kind.MONTH, "month", link=lambda bill: reverse("bill", args=[bill.pk])),
        Column("centre", _("中心"), lambda bill: local_name(bill.centre), sort="centre__name"),
        Column("used", _("用量"), "card_seconds", Kind.CARD_SECONDS, "card_seconds", total="card_seconds"),
        Column("amount", _("金额"), "amount_fen", Kind.FEN, "amount_fen", total="amount_fen"),
        Column("excluded", _("其中自建自用"), "excluded_fen", Kind.FEN, "excluded_fen", total="excluded_fen"),
        Column("counted", _("计入补助"), "counted_fen", Kind.FEN, "counted_fen", total="counted_fen"),
    ]
    if viewer.role != "user":
        columns.insert(1, Column("party", _("使用方"), lambda bill: local_name(bill.party), sort="party__name"))
    return columns


def _years(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(str(each.year), str(each.year)) for each in rows.order_by().dates("month", "year", order="DESC")]


def _months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    months = rows.order_by("-month").values_list("month", flat=True).distinct()
    return [(text, text) for text in map(number_format.month, months)]


def _centres(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    keys = rows.order_by().values_list("centre", flat=True).distinct()
    return [(each.code, local_name(each)) for each in Centre.objects.filter(pk__in=list(keys))]


def _of_year(rows: QuerySet[Any], year: str) -> QuerySet[Any]:
    return rows.filter(month__gte=date(int(year), 1, 1), month__lt=date(int(year) + 1, 1, 1))


def bill_table(
    request: HttpRequest, viewer: Viewer, rows: QuerySet[Bill], file: str = "bills", name: str = ""
) -> Table:
    """Bills as a table."""
    return Table(
        request,
        rows.annotate(counted_fen=F("amount_fen") - F("excluded_fen")),
        bill_columns(viewer),
        file=file,
        name=name,
        order="-month",
        search=("party__name", "party__uscc", "centre__name", "centre__code"),
        choices=[
            Choice("year", _("年度"), _years, _of_year),
            Choice("month", _("月份"), _months, lambda found, month: found.filter(month=f"{month}-01")),
            Choice("centre", _("中心"), _centres, lambda found, code: found.filter(centre__code=code)),
            *([] if viewer.role == "user" else [firm_choice()]),
        ],
        empty=Empty(
            _("还没有账单。结算批次完成后，每个使用方在每个中心的每个月有一张："),
            command="huisuan settle run --year YEAR",
            link=f"{reverse('runs')}#settle" if viewer.role == "province" else reverse("usage"),
            link_text=_("去结算") if viewer.role == "province" else _("看用量"),
        ),
    )


@allow()
def bill_list(request: HttpRequest) -> HttpResponseBase:
    """The bills of the settlement runs that stand."""
    viewer = viewer_of(request)
    table = bill_table(request, viewer, queries.bills_of_newest_runs(viewer))
    return render_tables(request, "portal/billing/bills.html", {"here": "bills"}, [table])


@allow()
def bill_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One bill: its lines, and the records that it was made from."""
    viewer = viewer_of(request)
    bill = get_object_or_404(queries.bills_of_all_runs(viewer), pk=number)
    records = records_of_bill(bill)
    table = record_table(
        request, viewer, records, file=f"bill-{bill.pk}-records", name="records", more=[WITHIN], without=["party"],
        choices=[MODEL_CHOICE],
    )  # fmt: skip
    entitled = queries.entitlements_of_all_runs(viewer).filter(run=bill.run_id, party=bill.party_id).first()
    same = {"bills": reverse("bill", args=[bill.pk])}
    if sealed := queries.sealed_month(viewer, bill.centre, bill.month):
        same["seals"] = sealed
    if entitled:
        same["entitlements"] = reverse("entitlement", args=[entitled.pk])
    context = {
        "here": "bills",
        "same": same,
        "bill": bill,
        "counted_fen": bill.amount_fen - bill.excluded_fen,
        "lines": bill_lines.lines_of(bill),
        "entitled": entitled,
        "stands": queries.is_newest_run(bill.run_id),
    }
    return render_tables(request, "portal/billing/bill.html", context, [table])
