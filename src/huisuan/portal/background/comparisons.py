"""Comparing a proposal over a settled year from a page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotFound, Refused
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.progress_page import WorkPage, render_work
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.adoption.queries import list_proposals
from huisuan.settlement.impact.compare import settled_years
from huisuan.settlement.impact.requests import cancel_comparison_request, request_comparison
from huisuan.settlement.models import ComparisonRequest

COMPARE_LABELS: dict[str, str | Promise] = {
    "facts": _("取这一年的事实"),
    "answers": _("两边逐个主体按条款作答"),
    "store": _("写比较结果"),
}


@allow("province")
@require_POST
def compare(request: HttpRequest, number: int) -> HttpResponse:
    """Hand a comparison with the facts of a settled year to the worker, and show how far it is."""
    proposal = get_object_or_404(list_proposals(), pk=number)
    asked = request.POST.get("year", "")
    try:
        if asked not in map(str, settled_years(proposal)):
            raise NotFound(_t("这一年还没有结算。"), code="settlement.none_yet")
        made = request_comparison(proposal, int(asked), viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("proposal", number=number)
    return redirect("comparison-request", number=made.pk)


@allow("province", "auditor")
def comparison_request_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far a comparison is, or how it ended; who looks on as it ends is led to it."""
    work = get_object_or_404(ComparisonRequest.objects.select_related("proposal"), pk=number)
    address = f"{reverse('proposal', args=[work.proposal_id])}?year={work.year}"
    if work.comparison_id and request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": address})
    may_cancel = viewer_of(request).role == "province" and work.is_under_way and not work.cancelled_by
    page = WorkPage(
        title=_t("比较提案 #{number}").format(number=work.proposal_id),
        step=COMPARE_LABELS.get(work.step, work.step),
        back=reverse("proposal", args=[work.proposal_id]),
        back_label=_("提案"),
        result=address if not work.is_under_way else "",
        result_label=_("看比较结果") if work.comparison_id else _("回到提案"),
        cancel=reverse("cancel-comparison", args=[number]) if may_cancel else "",
        facts=[(_("年度"), str(work.year)), (_("标题"), work.proposal.title)],
    )
    return render_work(request, work, page, "policies")


@allow("province")
@require_POST
def cancel_comparison(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel a comparison: nothing of it is written."""
    try:
        cancel_comparison_request(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("policies")
    return redirect("comparison-request", number=number)
