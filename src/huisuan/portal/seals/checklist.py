"""The checklist before a centre's months are sealed, and the button that seals them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.centre_desk.seal_checklist import seal_checklist
from huisuan.compute.metering.checks.completeness import check_completeness
from huisuan.compute.metering.seals.seal_month import next_month_to_seal
from huisuan.compute.models import SealRequest
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.seals.views import months_to_offer
from huisuan.portal.ui import number_format
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import FLAG
from huisuan.portal.visible import centres as queries

_DAYS_SHOWN = 12


@allow("centre", "city", "province", "auditor")
def checklist_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """What stands before the centre's next months are sealed."""
    viewer, now = viewer_of(request), timezone.now()
    centre = get_object_or_404(queries.centres(viewer), code=code)
    through = request.GET.get("through", "")
    context: dict[str, Any] = {
        "here": "seals",
        "centre": centre,
        "tab": "seal",
        "may_seal": viewer.role == "province",
        "may_check": viewer.role in ("centre", "province"),
        "under_way": SealRequest.objects.filter(centre=centre, state__in=("queued", "running")).first(),
        "same": {"seals": f"{reverse('seals')}?{urlencode({'centre': code})}"},
    }
    try:
        found = seal_checklist(centre, Month.parse(through) if through else None, now)
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
        return render(request, "portal/seals/seal_checklist.html", context, status=422 if through else 200)
    context |= {
        "found": found,
        "through": str(found.last),
        "months": months_to_offer(found.first, max(found.last, _last_over(timezone.localdate()))),
        "flags": [(kind, FLAG.get(kind, kind), count) for kind, count in sorted(found.flags.items())],
        "empty_days": _days(found.empty_days),
        "unheard_days": _days(found.unheard_days),
    }
    return render(request, "portal/seals/seal_checklist.html", context)


@allow("centre", "province")
@require_POST
def check_month(request: HttpRequest, code: str) -> HttpResponse:
    """Look for what is missing in the next month to seal, as `huisuan meter check` does: it leaves flags."""
    centre = get_object_or_404(queries.centres(viewer_of(request)), code=code)
    month = next_month_to_seal(centre)
    if month is None:
        messages.error(request, _t("没有要封的月。"))
        return redirect("seal-checklist", code=code)
    report = check_completeness(centre, month, timezone.now())
    if report.gaps:
        messages.error(request, "；".join(report.gaps[:5]))
    elif report.doubts:
        n = number_format.format_integer(len(report.doubts))
        messages.warning(request, ngettext(
            "{month} 核对过了：有 {n} 处缺少或对不上，已留下疑点。",
            "{month} 核对过了：有 {n} 处缺少或对不上，已留下疑点。", len(report.doubts),
        ).format(month=month, n=n))  # fmt: skip
    else:
        messages.success(request, _t("{month} 核对过了：没有缺少的记录。").format(month=month))
    return redirect("seal-checklist", code=code)


def _last_over(today: date) -> Month:
    """The month before that of a day."""
    first = today.replace(day=1)
    return Month(first.year - (first.month == 1), (first.month - 2) % 12 + 1)


def _days(days: Any) -> dict[str, Any]:
    return {"shown": [number_format.format_day(day) for day in days[:_DAYS_SHOWN]], "count": len(days),
            "left_out": max(len(days) - _DAYS_SHOWN, 0)}  # fmt: skip
