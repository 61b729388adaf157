"""Settling a year from a page."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.progress_page import WorkPage, render_work
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.models import SettlementRequest
from huisuan.settlement.runs.requests import cancel_request, parse_settled_year, request_settlement
from huisuan.settlement.todo.settlements import OutdatedYear, outdated_years, policies_to_settle

SETTLE_STEPS: dict[str, str | Promise] = {
    "registers": _("读登记、价目与参数"),
    "usage": _("读用量，按日分段计价"),
    "answers": _("逐个主体按条款作答"),
    "bills": _("写账单"),
    "lines": _("写账单行"),
    "entitlements": _("写应享金额"),
}


def settle_form(today: date) -> dict[str, Any]:
    """What the form to settle a year offers: policies, the years in which one of them holds, and which are outdated."""
    policies = policies_to_settle(today)
    waiting: list[OutdatedYear] = outdated_years(today)
    first = min((policy.valid_from.year for policy in policies), default=today.year)
    years = range(today.year, min(first, today.year) - 1, -1)
    chosen = waiting[0] if waiting else None
    return {
        "settle_policies": choices(((each.name, each.name) for each in policies), chosen.policy if chosen else ""),
        "settle_years": choices(((str(year), str(year)) for year in years), str(chosen.year if chosen else today.year)),
        "outdated": waiting,
    }


@allow("province")
@require_POST
def settle_year(request: HttpRequest) -> HttpResponse:
    """Hand a year to the worker, and show how far it is; while one is under way for it, that one is shown."""
    year, policy = request.POST.get("year", ""), request.POST.get("policy", "")
    try:
        asked = request_settlement(
            policy.replace("\0", ""), parse_settled_year(year), viewer_of(request).name, timezone.now()
        )
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("runs")
    if not asked.new:
        messages.info(request, _t("这一年正在结算，下面是它的进展。"))
    return redirect("settlement-request", number=asked.request.pk)


@allow("province", "auditor")
def settlement_request_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far a settlement is, or how it ended."""
    work = get_object_or_404(SettlementRequest, pk=number)
    may_cancel = viewer_of(request).role == "province" and work.is_under_way and not work.cancelled_by
    page = WorkPage(
        title=_t("结算 {year} 年").format(year=work.year),
        step=SETTLE_STEPS.get(work.step, work.step),
        back=reverse("runs"),
        back_label=_("结算批次"),
        result=reverse("run", args=[work.run_id]) if work.run_id else "",
        result_label=_("看这一批次"),
        cancel=reverse("cancel-settlement", args=[number]) if may_cancel else "",
        facts=[(_("政策"), work.policy)],
    )
    return render_work(request, work, page, "runs")


@allow("province")
@require_POST
def cancel_settlement(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel a settlement: nothing of it is written."""
    try:
        cancel_request(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("runs")
    return redirect("settlement-request", number=number)
