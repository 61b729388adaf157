"""The jobs of a compute user: the list, and one job live with its reasons, log and metered use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.compute.jobs import cancel_job
from huisuan.compute.models import FINAL_STATES, Job
from huisuan.compute.queries import current_usage
from huisuan.console import Refused
from huisuan.parties.access import Viewer
from huisuan.parties.gate import allow, viewer_of
from huisuan.portal import words
from huisuan.portal.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.table import Table, answer
from huisuan.portal.user import log, queries


def _model(job: Job) -> str:
    return job.accelerator.model if job.accelerator else _t("任意")


def job_columns(viewer: Viewer) -> list[Column]:
    """The columns of a list of jobs; who reads several parties sees whose each job is."""
    columns = [
        Column("name", _("作业名"), "name", sort="name", link=lambda job: reverse("job", args=[job.uid])),
        Column("uid", _("编号"), "uid", Kind.LONG_CODE, sort="uid", minor=True),
        Column("state", _("状态"), lambda job: words.word(words.JOB, job.state), Kind.STATE, sort="state"),
        Column("cards", _("卡数"), "cards", Kind.INTEGER, sort="cards"),
        Column("model", _("型号"), _model, sort="accelerator__model"),
        Column("centre", _("中心"), lambda job: words.named(job.centre) if job.centre else "", sort="centre__code"),
        Column("submitted", _("提交"), "submitted_at", Kind.MOMENT, sort="submitted_at"),
        Column("ended", _("结束"), "ended_at", Kind.MOMENT, sort="ended_at"),
        Column("metered", _("计量"), "metered", Kind.CARD_SECONDS, sort="metered", total="metered"),
    ]
    if viewer.role != "user":
        columns.insert(2, Column("party", _("使用方"), lambda job: words.named(job.party), sort="party__name"))
    return columns


def _states(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("state", flat=True).distinct())
    return [(state, word.label) for state, word in words.JOB.items() if state in present]


def job_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The jobs that the viewer reads."""
    return Table(
        request,
        queries.metered(queries.jobs(viewer)),
        job_columns(viewer),
        file="jobs",
        order="-submitted",
        search=("name", "uid", "submitted_by", "party__name", "centre__name"),
        choices=[Choice("state", _("状态"), _states, lambda rows, state: rows.filter(state=state))],
        empty=Empty(_("还没有作业。提交第一个："), command="huisuan job submit --cards 1 -- python train.py"),
    )


@allow()
def job_list(request: HttpRequest) -> HttpResponseBase:
    """All jobs that the viewer reads."""
    return answer(request, "portal/user/jobs.html", {"here": "jobs"}, [job_table(request, viewer_of(request))])


def _live(job: Job, viewer: Viewer) -> dict[str, Any]:
    """What of a job changes while it runs."""
    return {
        "job": job,
        "word": words.word(words.JOB, job.state),
        "ended": job.state in FINAL_STATES,
        "tail": log.tail(job),
        "records": list(
            current_usage().filter(centre=job.centre_id, job_id=job.uid).select_related("centre", "accelerator")
        ),
        "may_cancel": viewer.role == "user" and job.state not in FINAL_STATES and not job.cancel_requested_at,
    }


@allow()
def job_page(request: HttpRequest, uid: str) -> HttpResponseBase:
    """One job; htmx asks only for the part that changes."""
    viewer = viewer_of(request)
    job = get_object_or_404(queries.metered(queries.jobs(viewer)), uid=uid)
    context = _live(job, viewer)
    if request.htmx.target == "live":  # type: ignore[attr-defined]
        return render(request, "portal/user/job_live.html", context)
    same = {"jobs": reverse("job", args=[uid])}
    if context["records"]:
        first = context["records"][0]
        same |= queries.chain_of(viewer, first)
    return render(request, "portal/user/job.html", {**context, "here": "jobs", "same": same})


@allow("user")
@require_POST
def cancel(request: HttpRequest, uid: str) -> HttpResponseBase:
    """Ask for a job to be cancelled."""
    viewer = viewer_of(request)
    try:
        cancel_job(uid, viewer, timezone.now())
    except Job.DoesNotExist:
        raise Http404 from None
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _t("已请求取消，智算中心收到后停止作业。"))
    return redirect("job", uid=uid)
