"""Sealing a centre's months from a page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.metering.seals.requests import cancel_seal_request, request_seals
from huisuan.compute.models import SealRequest
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.background.progress_page import WorkPage, render_work
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name


@allow("province")
@require_POST
def seal_months(request: HttpRequest, code: str) -> HttpResponse:
    """Hand a centre's months to the worker, and show how far it is."""
    through, despite = request.POST.get("through", ""), request.POST.get("despite", "")
    try:
        made = request_seals(
            code, Month.parse(through), viewer_of(request).name, timezone.now(), despite.replace("\0", "")
        )
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("seals")
    return redirect("seal-request", number=made.pk)


@allow("centre", "city", "province", "auditor")
def seal_request_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far the sealing is, or how it ended."""
    viewer = viewer_of(request)
    rows = SealRequest.objects.filter(viewer.centres("centre")).select_related("centre")
    work = get_object_or_404(rows, pk=number)
    first, last = str(Month.containing(work.first)), str(Month.containing(work.last))
    may_cancel = viewer.role == "province" and work.is_under_way and not work.cancelled_by
    page = WorkPage(
        title=_t("封账 {centre}").format(centre=local_name(work.centre)),
        step=work.step,
        back=f"{reverse('seals')}?{urlencode({'centre': work.centre.code})}",
        back_label=_("封账"),
        result=f"{reverse('seals')}?{urlencode({'centre': work.centre.code})}",
        result_label=_("看封过的月"),
        cancel=reverse("cancel-sealing", args=[number]) if may_cancel else "",
        facts=[
            (_("月份"), first if first == last else _t("{first} 至 {last}").format(first=first, last=last)),
            *([(_("尽管有疑点也封的理由"), work.despite)] if work.despite else []),
        ],
    )
    return render_work(request, work, page, "seals")


@allow("province")
@require_POST
def cancel_sealing(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel: the month under way is finished, the next is not begun."""
    try:
        cancel_seal_request(number, viewer_of(request).name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("seals")
    return redirect("seal-request", number=number)
