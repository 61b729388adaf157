"""Cancelling many jobs from the list: a question first, then some seconds in which it can be undone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import NotFound, Refused
from huisuan.compute.jobs.held_cancels import MOST_JOBS, hold_cancel, open_cancels, undo_cancel
from huisuan.compute.models import FINAL_STATES, Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.jobs.list import job_table
from huisuan.portal.jobs.views import CANCELS
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.visible import compute as queries

JOBS_LISTED = 50


@allow(*CANCELS)
@require_http_methods(["GET", "POST"])
def ask_cancel(request: HttpRequest) -> HttpResponse:
    """Ask whether these jobs (`uid`), or all that the list's filter finds, are to be cancelled; POST does it.

    What is posted are the jobs that were shown: one that came meanwhile is not cancelled unasked.
    """
    if request.method == "POST":
        return _hold(request)
    viewer = viewer_of(request)
    table = job_table(request, viewer)
    uids = [uid for uid in request.GET.getlist("uid") if uid.isalnum()]
    rows = queries.jobs(viewer).filter(pk__in=uids) if uids else table.filtered
    if (not uids and not table.is_filtered) or table.refused:
        messages.error(request, _t("请先选中要取消的作业，或用筛选说明是哪些。"))
        return redirect("jobs")
    left = rows.exclude(state__in=FINAL_STATES).filter(cancel_requested_at__isnull=True)
    found = list(left.values_list("uid", "name", "state")[: MOST_JOBS + 1])
    context: dict[str, Any] = {
        "here": "jobs",
        "strangers": (),
        "jobs": [(uid, name, state_labels.JOB[state]) for uid, name, state in found[:JOBS_LISTED]],
        "uids": " ".join(uid for uid, _name, _state in found[:MOST_JOBS]),
        "count": min(len(found), MOST_JOBS),
        "more": max(min(len(found), MOST_JOBS) - JOBS_LISTED, 0),
        "too_many": MOST_JOBS if len(found) > MOST_JOBS else 0,
        "back": request.GET.urlencode() if not uids else "",
    }
    return render(request, "portal/jobs/cancel_jobs.html", context)


def _hold(request: HttpRequest) -> HttpResponse:
    try:
        held, _over = hold_cancel(request.POST.get("uids", "").split(), viewer_of(request), timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        count = len(held.uids)
        text = ngettext("{n} 个作业将被取消；发出之前可以撤销。", "{n} 个作业将被取消；发出之前可以撤销。", count)
        messages.success(request, text.format(n=count))
    return redirect("jobs")


@allow(*CANCELS)
def held_cancels(request: HttpRequest) -> HttpResponse:
    """What can still be undone, as the part of the list's page that asks anew by itself."""
    return render(request, "portal/jobs/held_cancels.html", held_context(request))


def held_context(request: HttpRequest) -> dict[str, Any]:
    """The cancels that can still be undone, with how many jobs each is about and the seconds left."""
    now = timezone.now()
    return {
        "held": [
            (each, len(each.uids), max(int((each.due_at - now).total_seconds()), 0))
            for each in open_cancels(viewer_of(request))
        ]
    }


@allow(*CANCELS)
@require_POST
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Let the jobs of a held cancel go on."""
    try:
        undo_cancel(number, viewer_of(request), timezone.now())
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        messages.success(request, _t("取消已撤销，作业照常进行。"))
    return redirect("jobs")


def selects(job: Job) -> str | None:
    """The uid of a job that may be cancelled; None: it is over, or asked to end already."""
    return None if job.state in FINAL_STATES or job.cancel_requested_at else job.uid
