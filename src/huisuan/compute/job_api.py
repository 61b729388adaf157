"""Jobs and centres over HTTP."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router, Status
from ninja.errors import HttpError

from huisuan.client import wire
from huisuan.compute import job_queries, jobs
from huisuan.compute.models import Job
from huisuan.compute.uid import RANDOM_BYTES
from huisuan.parties.access import Viewer
from huisuan.parties.gate import Allow, viewer_of

router = Router(tags=["作业"])


@router.post("/jobs", response={201: wire.Job}, auth=Allow("user", "province"), summary="提交作业")
def submit(request: HttpRequest, asked: wire.JobRequest) -> Status[wire.Job]:
    """Take a job; 422 with the reason when nobody could ever run it."""
    job = jobs.submit_job(asked, viewer_of(request), datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES))
    return Status(201, job_queries.shown(job))


@router.get("/jobs", response=wire.JobPage, auth=Allow(), summary="作业列表，最新的在前")
def list_jobs(
    request: HttpRequest, state: str | None = None, limit: int = 50, before: str | None = None
) -> wire.JobPage:
    """Some jobs; `before` is the `next` of the page before."""
    return job_queries.page(viewer_of(request), state, limit, before)


@router.get("/jobs/{uid}", response=wire.Job, auth=Allow(), summary="一个作业")
def show(request: HttpRequest, uid: str) -> wire.Job:
    """One job."""
    return job_queries.shown(_job(viewer_of(request), uid))


@router.get("/jobs/{uid}/log", response=str, auth=Allow("user", "province", "auditor"), summary="作业的输出")
def log(request: HttpRequest, uid: str, offset: int = 0) -> HttpResponse:
    """What the job wrote, from an offset in bytes on, as it is; the header Huisuan-Next-Offset continues it."""
    piece = job_queries.log_piece(_job(viewer_of(request), uid), offset)
    answer = HttpResponse(piece.text, content_type="text/plain; charset=utf-8")
    answer["Huisuan-Next-Offset"] = str(piece.next_offset)
    answer["Huisuan-Complete"] = "yes" if piece.complete else "no"
    return answer


@router.post("/jobs/{uid}/cancel", response=wire.Job, auth=Allow("user", "province"), summary="取消作业")
def cancel(request: HttpRequest, uid: str) -> wire.Job:
    """Ask for the job to end; asking twice is once."""
    try:
        return job_queries.shown(jobs.cancel_job(uid, viewer_of(request), datetime.now(UTC)))
    except Job.DoesNotExist:
        raise HttpError(404, f"没有作业 {uid}") from None


@router.get("/centres", response=list[wire.CentreInfo], auth=Allow(), summary="智算中心、空闲的卡和今天的价格")
def list_centres(request: HttpRequest) -> list[wire.CentreInfo]:
    """Every centre; what a user chooses from."""
    return job_queries.centres(datetime.now(UTC))


def _job(viewer: Viewer, uid: str) -> Job:
    try:
        return job_queries.one(viewer, uid)
    except Job.DoesNotExist:
        raise HttpError(404, f"没有作业 {uid}") from None
