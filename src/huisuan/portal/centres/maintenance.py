"""The maintenance windows of a centre: the list, a form that first says which jobs a window meets, and cancelling."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length, shortened
from huisuan.compute.maintenance.queries import list_windows, met_to_dict, window_state
from huisuan.compute.maintenance.services import DeclaredWindow, WindowPlan, cancel_window, declare_window
from huisuan.compute.models import Centre
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.visible import centres as queries

_READERS = ("centre", "city", "province", "auditor")
_MANAGERS = ("centre", "province")
_PAST_SHOWN = timedelta(days=400)
_LONGEST_TEXT = 20_000  # of a list of nodes
WINDOW_STATES = {
    "to_come": Word(_("未到"), "wait"),
    "under_way": Word(_("进行中"), "bad"),
    "over": Word(_("已结束"), "plain"),
    "cancelled": Word(_("已撤销"), "plain"),
}


@allow(*_READERS)
def maintenance_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """The windows of a centre; a POST by who manages it shows what a window would meet, or declares it."""
    viewer, now = viewer_of(request), timezone.now()
    centre = get_object_or_404(queries.centres(viewer), code=code)
    if request.method != "POST":
        return _page(request, centre, now)
    if viewer.role not in _MANAGERS:
        return _page(request, centre, now, refused=_t("只有中心自己的人和省专班能申报维护窗口。"), status=403)
    declaring = "declare" in request.POST
    try:
        found = declare_window(code, _plan(request), viewer.name, now, dry_run=not declaring)
    except Refused as refusal:
        return _page(request, centre, now, refused=refusal_html(refusal), status=422)
    if not declaring:
        return _page(request, centre, now, tried=found)
    messages.success(request, _t("已申报：时限会延伸到这个窗口里的作业，从现在起不再派来。"))
    return redirect("centre-maintenance", code=code)


@allow(*_MANAGERS)
@require_POST
def cancel_maintenance(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Cancel a window of the centre."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    try:
        cancel_window(number, viewer.name, timezone.now(), centre.code)
        messages.success(request, _t("已撤销，照常接作业。"))
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    return redirect("centre-maintenance", code=code)


def _page(
    request: HttpRequest, centre: Centre, now: datetime, *, status: int = 200, tried: DeclaredWindow | None = None,
    **more: Any,
) -> HttpResponse:  # fmt: skip
    windows = list_windows(now, centre.code, past=True).filter(ends_at__gt=now - _PAST_SHOWN).order_by("-starts_at")
    states = [(window, WINDOW_STATES[window_state(window, now)], window_state(window, now)) for window in windows]
    given = request.POST
    context = {
        "here": "centres",
        "centre": centre,
        "windows": states,
        "partitions": sorted({partition.name for partition in centre.partitions.all()}),
        "chosen": given.getlist("partition"),
        "given": given,
        "tried": tried,
        "met": [met_to_dict(each, tried.window) for each in tried.met] if tried else [],
        "may_declare": viewer_of(request).role in _MANAGERS,
        **more,
    }
    return render(request, "portal/centres/maintenance.html", context, status=status)


def _plan(request: HttpRequest) -> WindowPlan:
    given = request.POST
    nodes = check_length(given.get("nodes", ""), _LONGEST_TEXT, "节点").replace("\0", "").split()
    return WindowPlan(
        _time(given.get("starts", "")), _time(given.get("ends", "")), given.get("reason", "").replace("\0", ""),
        tuple(given.getlist("partition")), tuple(nodes),
    )  # fmt: skip


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise InvalidRequest(
            f'时间 "{shortened(text, 40)}" 写法不对；应如 2026-07-01T08:00（北京时间）',
            code="maintenance.time_malformed",
        ) from None
