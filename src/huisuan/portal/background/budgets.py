"""Budgets of scenarios that the worker computes: how far one is, cancelling it, asking for it anew."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.progress_page import WorkPage, render_work, work_context
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.models import ScenarioRequest
from huisuan.settlement.scenarios.requests import cancel_budget_request, request_budget_again

_READERS = ("province", "auditor")


def budget_work(work: ScenarioRequest) -> dict[str, Any]:
    """What the budget page shows of a request that is not done."""
    return work_context(work, _page(work))


def _page(work: ScenarioRequest) -> WorkPage:
    over = not work.is_under_way
    return WorkPage(
        title=_t("预算推演"),
        step=_t("第 {key} 句").format(key=work.step),
        back=reverse("budget"),
        back_label=_("预算推演"),
        result=_address(work) if over else "",
        result_label=_("看推演结果") if work.result else _("回到情景"),
        cancel="" if over or work.cancelled_by else reverse("cancel-budget", args=[work.pk]),
        again=reverse("budget-again", args=[work.pk]) if over and not work.result else "",
        facts=[(_("政策"), work.policy)],
        live=reverse("budget-request", args=[work.pk]),
    )


def _address(work: ScenarioRequest) -> str:
    return f"{reverse('budget')}?{work.address}"


@allow(*_READERS)
def budget_request_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far a budget is; who looks on as it ends is led to its figures."""
    work = get_object_or_404(ScenarioRequest, pk=number)
    if work.result and request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": _address(work)})
    return render_work(request, work, _page(work), "budget")


@allow(*_READERS)
@require_POST
def cancel_budget(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel a budget: it stops before the next sentence."""
    try:
        cancel_budget_request(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("budget")
    return redirect("budget-request", number=number)


@allow(*_READERS)
@require_POST
def budget_again(request: HttpRequest, number: int) -> HttpResponse:
    """Ask anew for a budget that failed or was cancelled."""
    try:
        work = request_budget_again(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("budget")
    return redirect(_address(work))
