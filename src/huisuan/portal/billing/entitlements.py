"""Entitlements: the list, and one with its reasoning beside the law and its lineage down to the raw line."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.billing import bill_lines
from huisuan.portal.billing.entitlement_filters import entitlement_choices
from huisuan.portal.law.reasoning import reasoning
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import local_name, state_word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import compute as queries
from huisuan.programmes.claims import claim_drafts
from huisuan.settlement.models import BillLine, Entitlement
from huisuan.settlement.runs.queries import iterate_slices, records_of_line, with_use
from huisuan.settlement.standing.queries import standing_of

_READERS = ("user", "city", "province", "auditor")
BRANCH_RECORDS = 50


def entitlement_columns(viewer: Viewer) -> list[Column]:
    """The columns of a list of entitlements."""
    columns = [
        Column("year", _("年度"), lambda each: str(each.run.year), sort="run__year"),
        Column("sentence", _("条款"), lambda each: each.run.sentence, sort="run__sentence", minor=True),
        Column("spend", _("算力总支出"), "spent_fen", Kind.FEN, sort="spent_fen"),
        Column("own", _("其中自建自用"), "own_fen", Kind.FEN, sort="own_fen", minor=True),
        Column("amount", _("应享"), "amount_fen", Kind.FEN, "amount_fen", total="amount_fen", link=_address),
        Column(
            "status",
            _("状态"),
            lambda each: state_word(state_labels.ENTITLEMENT, each.status),
            Kind.STATE,
            sort="status",
        ),
    ]
    if viewer.role == "user":
        columns[0] = Column("year", _("年度"), lambda each: str(each.run.year), sort="run__year", link=_address)
        return columns
    party = Column("party", _("使用方"), lambda each: local_name(each.party), sort="party__name", link=_address)
    region = Column("region", _("市"), lambda each: local_name(each.party.region), sort="party__region_id")
    return [party, region, *columns]


def _address(entitled: Entitlement) -> str:
    return reverse("entitlement", args=[entitled.pk])


def entitlement_table(
    request: HttpRequest, viewer: Viewer, rows: QuerySet[Entitlement], file: str = "entitlements", name: str = ""
) -> Table:
    """Entitlements as a table."""
    return Table(
        request,
        with_use(rows),
        entitlement_columns(viewer),
        file=file,
        name=name,
        order="-amount",
        search=("party__name", "party__name_en", "party__uscc"),
        choices=entitlement_choices(request, viewer, name),
        empty=Empty(
            _("还没有应享金额。年度结算后，每个有用量的主体都有一行，金额为零的也写明原因："),
            command="huisuan settle run --year YEAR",
            link=f"{reverse('runs')}#settle" if viewer.role == "province" else reverse("usage"),
            link_text=_("去结算") if viewer.role == "province" else _("看用量"),
        ),
    )


@allow(*_READERS)
def entitlement_list(request: HttpRequest) -> HttpResponseBase:
    """The entitlements of the runs that stand."""
    viewer = viewer_of(request)
    table = entitlement_table(request, viewer, queries.entitlements_of_newest_runs(viewer))
    return render_tables(request, "portal/billing/entitlements.html", {"here": "entitlements"}, [table])


@allow(*_READERS)
def entitlement_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One entitlement: amount, formula, law and reasoning side by side, lineage as a tree."""
    viewer = viewer_of(request)
    entitled = get_object_or_404(queries.entitlements_of_all_runs(viewer), pk=number)
    bills = (
        queries.bills_of_all_runs(viewer)
        .filter(Q(party=entitled.party_id) | Q(party__uscc__in=entitled.carried), run=entitled.run_id)
        .order_by("month", "centre__code")
    )
    records = BillLine.objects.filter(bill__in=bills).aggregate(n=Sum("records"))["n"] or 0
    context = {
        "here": "entitlements",
        "same": _same(viewer, entitled),
        "entitled": entitled,
        "word": state_word(state_labels.ENTITLEMENT, entitled.status),
        "why": reasoning(entitled),
        "bills": list(bills),
        "totals": bills.aggregate(
            amount=Sum("amount_fen"), excluded=Sum("excluded_fen"), centres=Count("centre", distinct=True)
        ),
        "records": records,
        "stands": queries.is_newest_run(entitled.run_id),
        "standing": standing_of(entitled, timezone.localdate()),
        "claims": claim_drafts(entitled) if viewer.role == "user" else [],
        "may_claim": viewer.role == "user",
    }
    return render(request, "portal/billing/entitlement.html", context)


def _same(viewer: Viewer, entitled: Entitlement) -> dict[str, str]:
    """The lists of earlier steps, narrowed to what this entitlement rests on."""
    whose = {} if viewer.role == "user" else {"q": entitled.party.uscc}
    of_year = urlencode({**whose, "year": entitled.run.year})
    return {
        "entitlements": _address(entitled),
        "bills": f"{reverse('bills')}?{of_year}",
        "usage": f"{reverse('usage')}?{of_year}",
        **({} if viewer.role == "user" else {"seals": f"{reverse('seals')}?{urlencode({'year': entitled.run.year})}"}),
        "jobs": f"{reverse('jobs')}?{urlencode(whose)}",
    }


@allow(*_READERS)
def bill_branch(request: HttpRequest, number: int) -> HttpResponseBase:
    """The lines of a bill, as a branch of the tree."""
    bill = get_object_or_404(queries.bills_of_all_runs(viewer_of(request)), pk=number)
    return render(request, "portal/billing/branch_lines.html", {"bill": bill, "lines": bill_lines.lines_of(bill)})


@allow(*_READERS)
def line_branch(request: HttpRequest, number: int, line: int) -> HttpResponseBase:
    """The records of a bill line, fifty at a time, as a branch of the tree."""
    bill = get_object_or_404(queries.bills_of_all_runs(viewer_of(request)), pk=number)
    found = get_object_or_404(BillLine.objects.select_related("bill__run", "bill__centre"), pk=line, bill=bill)
    page = Paginator(records_of_line(found), BRANCH_RECORDS).get_page(request.GET.get("page"))
    shown = records_of_line(found)[max(page.start_index() - 1, 0) : page.end_index()]
    return render(
        request,
        "portal/billing/branch_records.html",
        {"bill": bill, "line": found, "page": page, "slices": iterate_slices(shown)},
    )
