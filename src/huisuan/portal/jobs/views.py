"""The jobs: the list with what waits and why, and one job live with its reasons, cost, log and metered use."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.compute.centres.online import is_online
from huisuan.compute.jobs import preview
from huisuan.compute.jobs.services import cancel_array, cancel_job
from huisuan.compute.models import FINAL_STATES, Centre, Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs import details as job_facts
from huisuan.portal.jobs import log
from huisuan.portal.jobs.cost import cost_of
from huisuan.portal.sentences.page import translate_sentence
from huisuan.portal.ui import number_format, state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import compute as queries

CANCELS = ("user", "province")  # as the API
READS_LOG = ("user", "province", "auditor")  # as the API: what a job writes is its party's
RECORDS_SHOWN = 24


def _name(job: Job) -> str:
    return job.name if job.array_index is None else f"{job.name} [{job.array_index}]"


def _model(job: Job) -> str:
    return job.accelerator.model if job.accelerator else job_facts.cards_wanted(job)


def _why_waiting(job: Job) -> str:
    return translate_sentence(job.reasons[0]) if job.state in job_facts.WAITS and job.reasons else ""


def job_columns(viewer: Viewer) -> list[Column]:
    """The columns of a list of jobs; who reads several parties sees whose each job is."""
    columns = [
        Column("name", _("作业名"), _name, sort="name", link=lambda job: reverse("job", args=[job.uid])),
        Column("uid", _("编号"), "uid", Kind.LONG_CODE, sort="uid", minor=True),
        Column(
            "state",
            _("状态"),
            lambda job: state_labels.state_word(state_labels.JOB, job.state),
            Kind.STATE,
            sort="state",
            note=_why_waiting,
            note_label=_("等待的原因"),
        ),
        Column("cards", _("卡数"), "cards", Kind.INTEGER, sort="cards"),
        Column("model", _("型号"), _model, sort="accelerator__model"),
        Column(
            "centre",
            _("中心"),
            lambda job: state_labels.local_name(job.centre) if job.centre else "",
            sort="centre__code",
        ),
        Column("submitted", _("提交"), "submitted_at", Kind.MOMENT, sort="submitted_at"),
        Column("ended", _("结束"), "ended_at", Kind.MOMENT, sort="ended_at"),
        Column("metered", _("计量"), "metered", Kind.CARD_SECONDS, sort="metered", total="metered"),
    ]
    if viewer.role != "user":
        columns.insert(
            2, Column("party", _("使用方"), lambda job: state_labels.local_name(job.party), sort="party__name")
        )
    return columns  # fmt: skip


def job_states(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    """The states of some jobs, to choose from."""
    present = set(rows.order_by().values_list("state", flat=True).distinct())
    return [(state, word.label) for state, word in state_labels.JOB.items() if state in present]


def _centres(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Centre.objects.filter(pk__in=rows.order_by().values("centre").distinct())
    return [(centre.code, state_labels.local_name(centre)) for centre in found]


def job_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The jobs that the viewer reads."""
    return Table(
        request,
        queries.metered(queries.jobs(viewer)),
        job_columns(viewer),
        file="jobs",
        order="-submitted",
        search=("name", "uid", "array_uid", "submitted_by", "party__name", "centre__name"),
        choices=[
            Choice("state", _("状态"), job_states, lambda rows, state: rows.filter(state=state)),
            Choice("centre", _("中心"), _centres, lambda rows, code: rows.filter(centre__code=code)),
        ],
        empty=Empty(_("还没有作业。提交第一个："), command="huisuan job submit --cards 1 -- python train.py"),
    )


@allow()
def job_list(request: HttpRequest) -> HttpResponseBase:
    """All jobs that the viewer reads."""
    return render_tables(request, "portal/user/jobs.html", {"here": "jobs"}, [job_table(request, viewer_of(request))])


def _live(job: Job, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """What of a job changes while it runs."""
    records = list(queries.records_of(job))
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
        "share": number_format.share(cost.subsidy.share.numerator, cost.subsidy.share.denominator),
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
    job = get_object_or_404(
        queries.metered(queries.jobs(viewer)).select_related("centre__agent", "party__region"), uid=uid
    )
    context = _live(job, viewer, now)
    context["more"] = render_to_string("portal/user/job_more.html", context, request)
    context["digest"] = hashlib.sha256(context["more"].encode()).hexdigest()[:16]
    if request.htmx.target == "live":  # type: ignore[attr-defined]
        if request.GET.get("at", context["stands"]) != context["stands"]:
            return HttpResponse(headers={"HX-Refresh": "true"})
        # what did not change stays as it is, with what somebody selected or unfolded in it
        context["changed"] = request.GET.get("more") != context["digest"]
        return render(request, "portal/user/job_live.html", context)
    context |= _why(job, viewer, now)
    same = {"jobs": reverse("job", args=[uid])}
    if context["records"]:
        same |= queries.chain_of(viewer, context["records"][0])
    return render(request, "portal/user/job.html", {**context, "here": "jobs", "same": same})


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
