"""A centre's agents on its page: inviting one, asking it to check itself, revoking those it has."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.compute.agent_gateway import enrolment
from huisuan.compute.agent_gateway.serving_agent import ask_for_health
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.visible import centres as queries

_MANAGERS = ("centre", "province")


@allow(*_MANAGERS)
@require_POST
def invite_agent(request: HttpRequest, code: str) -> HttpResponseBase:
    """Make an invitation; its word stands on the answer and nowhere else."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    try:
        invitation, word = enrolment.invite_agent(code, viewer.name, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return _back(code)
    context = {
        "here": "centres", "centre": centre, "invitation": invitation, "word": word,
        "platform": request.build_absolute_uri("/").rstrip("/"), "engine": centre.engine or "slurm",
    }  # fmt: skip
    page = render(request, "portal/centres/invited.html", context)
    page["Cache-Control"] = "no-store"
    return page


@allow(*_MANAGERS)
@require_POST
def revoke_agents(request: HttpRequest, code: str) -> HttpResponse:
    """Revoke one agent (`agent` in the form), or all of them and the invitations that are open."""
    viewer = viewer_of(request)
    get_object_or_404(queries.centres(viewer), code=code)
    try:
        keys = enrolment.revoke_agents(code, viewer.name, timezone.now(), request.POST.get("agent") or None)
        names = " ".join(f"{key.host} {key.name}" for key in keys)
        messages.success(request, _t("已吊销：%(names)s") % {"names": names} if keys else _t("未用的邀请已作废。"))
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    return _back(code)


@allow(*_MANAGERS)
@require_POST
def check_agent(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the centre's agent to check itself, as `huisuan agent doctor` does there."""
    centre = get_object_or_404(queries.centres(viewer_of(request)), code=code)
    if ask_for_health(centre, timezone.now()):
        messages.success(request, _t("已请代理自检：结果几秒后出现在下面，再打开这一页就能看到。"))
    else:
        messages.error(request, _t("代理没有回音，自检不了：请在代理的机器上运行 huisuan agent doctor。"))
    return _back(code)


def _back(code: str) -> HttpResponse:
    return redirect(reverse("centre", args=[code]) + "#agent")
