"""One job, live: its reasons, cost, log and metered use."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.compute.centres.online import is_online
from huisuan.compute.jobs import preview
from huisuan.compute.jobs.cost import cost_of, standing_records
from huisuan.compute.jobs.expected import job_times
from huisuan.compute.jobs.services import cancel_array, cancel_job
from huisuan.compute.models import FINAL_STATES, Centre, Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs import details as job_facts
from huisuan.portal.jobs import log
from huisuan.portal.ui import number_format, state_labels
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.visible import compute as queries

CANCELS = ("user", "province")  # as the API
READS_LOG = ("user", "province", "auditor")  # as the API: what a job writes is its party's
RECORDS_SHOWN = 24


def _live(job: Job, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """What of a job changes while it runs."""
    records = standing_records([job]).get(job.pk, [])
    ended, cost = job.state in FINAL_STATES, cost_of(job, records, now)
    may_cancel = viewer.role in CANCELS
    array = job_facts.array_of(job, viewer)
    return {
        "job": job,
        "word": state_labels.state_word(state_labels.JOB, job.state),
        "ended": ended,
        "run_number": job.run + 1,
        "reads_centre": Centre.objects.filter(viewer.centres(), jobs=job).exists(),
        "stands": f"{job.state}-{job.run}-{job.lease}-{bool(job.cancel_requested_at)}",
        "cost": cost,
        "times": job_times(job, now),
        "metered": sum(record.card_seconds for record in records),
        "share": number_format.format_percentage(cost.subsidy.share.numerator, cost.subsidy.share.denominator),
        "array": array,
        "steps": job_facts.steps(job),
        "webhook_host": job_facts.webhook_host(job),
        "reads_log": viewer.role in READS_LOG,
        "tail": log.tail(job) if viewer.role in READS_LOG else None,
        "records": records[-RECORDS_SHOWN:],
        "earlier": max(len(records) - RECORDS_SHOWN, 0),
        "may_cancel": may_cancel and not ended and not job.cancel_requested_at,
        "may_cancel_array": may_cancel and array is not None and array.left > 1,
    }


def _why(job: Job, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """Why it is where it is; while it waits, every pool is asked, so this is for a page that someone opened."""
    found = preview.why(job.uid, viewer, now)
    agent = getattr(job.centre, "agent", None) if job.centre else None
    decisions = [job_facts.decided(each) for each in reversed(found.decisions)]
    seen = found.waiting
    return {
        "decisions": decisions[:1],
        "former": decisions[1:],
        "waiting": seen,
        "pools": [*seen.now, *seen.later] if seen else [],
        "agent": agent,
        "offline": job.centre is not None and job.state not in FINAL_STATES and not is_online(job.centre, now),
        "before": job_facts.before(job),
        "behind": job_facts.behind(job),
        "cards_wanted": job_facts.cards_wanted(job),
        "place_wanted": job_facts.place_wanted(job),
        "command": shlex.join(job.command),
        "names": _t("、").join(sorted(job.environment)),
    }


@allow()
def job_page(request: HttpRequest, uid: str) -> HttpResponseBase:
    """One job; htmx asks only for the parts that change, and gets the whole page when the job moved on."""
    viewer, now = viewer_of(request), timezone.now()
    job = get_object_or_404(queries.jobs(viewer).select_related("centre__agent", "party__region"), uid=uid)
    context = _live(job, viewer, now)
    context["more"] = render_to_string("portal/jobs/job_more.html", context, request)
    context["digest"] = hashlib.sha256(context["more"].encode()).hexdigest()[:16]
    if request.htmx.target == "live":  # type: ignore[attr-defined]
        if request.GET.get("at", context["stands"]) != context["stands"]:
            return HttpResponse(headers={"HX-Refresh": "true"})
        # what did not change stays as it is, with what somebody selected or unfolded in it
        context["changed"] = request.GET.get("more") != context["digest"]
        return render(request, "portal/jobs/job_live.html", context)
    context |= {**_why(job, viewer, now), "again_key": secrets.token_hex(16)}
    same = {"jobs": reverse("job", args=[uid])}
    if context["records"]:
        same |= queries.chain_of(viewer, context["records"][0])
    return render(request, "portal/jobs/job.html", {**context, "here": "jobs", "same": same})


def _cancelled(
    request: HttpRequest, uid: str, ask: Callable[[str, Viewer, datetime], Any], done: str
) -> HttpResponseBase:
    try:
        ask(uid, viewer_of(request), timezone.now())
    except Job.DoesNotExist:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    else:
        messages.success(request, done)
    return redirect("job", uid=uid)


@allow(*CANCELS)
@require_POST
def cancel(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Ask for a job to be cancelled."""
    return _cancelled(request, uid, cancel_job, _t("已请求取消；已在智算中心的，由中心收到后停止。"))


@allow(*CANCELS)
@require_POST
def cancel_whole_array(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Ask for every job of an array that is not over to be cancelled."""
    return _cancelled(request, uid, cancel_array, _t("已请求取消整个阵列；已在智算中心的，由中心收到后停止。"))
