"""Jobs and centres over HTTP."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Status
from pydantic import AwareDatetime

from huisuan.compute.jobs import queries as job_queries
from huisuan.compute.jobs import services as jobs
from huisuan.compute.jobs.api_examples import EXAMPLES
from huisuan.compute.keys import platform_key
from huisuan.compute.models import Job
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.protocol import resources as wire
from huisuan.protocol.job_uid import RANDOM_BYTES

router = Router(tags=["作业"])


@router.post(
    "/jobs",
    response={201: wire.Job},
    auth=Allow("user", "province", scope="submit", project=True),
    summary="提交作业",
    openapi_extra=EXAMPLES,
)
def submit(
    request: HttpRequest,
    asked: wire.JobRequest,
    key: Annotated[
        str, Header(alias=wire.IDEMPOTENCY_KEY, max_length=200, description="同一请求带同一个值重发，只提交一次")
    ] = "",
) -> Status[wire.Job]:
    """Take a job, or an array of them (the answer is the first); 422 with the reason when nobody could ever run it."""
    job = jobs.submit_job(asked, viewer_of(request), datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES), key)
    return Status(201, job_queries.job_to_wire(job))


@router.get("/jobs", response=wire.JobPage, auth=Allow(scope="read", project=True), summary="作业列表，最新的在前")
def list_jobs(
    request: HttpRequest,
    state: Annotated[str | None, Query(description="一种或几种状态，逗号分隔")] = None,
    array: Annotated[str | None, Query(description="阵列的第一个作业号")] = None,
    name: Annotated[str | None, Query(description="作业名中的一段")] = None,
    centre: str | None = None,
    party: str | None = None,
    project: Annotated[str | None, Query(description="项目代码")] = None,
    model: Annotated[str | None, Query(description="分到的型号")] = None,
    since: Annotated[AwareDatetime | None, Query(description="此刻起提交的")] = None,
    until: Annotated[AwareDatetime | None, Query(description="此刻之前提交的")] = None,
    limit: int = 50,
    before: Annotated[str | None, Query(description="上一页给出的 next")] = None,
) -> wire.JobPage:
    """Some jobs; `before` is the `next` of the page before."""
    only = job_queries.JobFilter(
        state=state, array=array, name=name, centre=centre, party=party, project=project, model=model, since=since,
        until=until,
    )  # fmt: skip
    return job_queries.page(viewer_of(request), only, limit, before)


@router.get("/jobs/{uid}", response=wire.Job, auth=Allow(scope="read", project=True), summary="一个作业")
def show(request: HttpRequest, uid: str) -> wire.Job:
    """One job."""
    return job_queries.job_to_wire(_job(viewer_of(request), uid))


@router.get(
    "/jobs/{uid}/array",
    response=wire.ArrayInfo,
    auth=Allow(scope="read", project=True),
    summary="阵列里各状态有几个作业",
)
def array(request: HttpRequest, uid: str) -> wire.ArrayInfo:
    """The states of the array that the job belongs to, counted."""
    viewer = viewer_of(request)
    return job_queries.array(viewer, _job(viewer, uid))


@router.get(
    "/jobs/{uid}/events", response=list[wire.JobEvent], auth=Allow(scope="read", project=True), summary="作业的每一步"
)
def events(request: HttpRequest, uid: str) -> list[wire.JobEvent]:
    """The steps of its life, in order, and whether its webhook was told."""
    return job_queries.events(_job(viewer_of(request), uid))


@router.get(
    "/jobs/{uid}/log",
    response=str,
    auth=Allow("user", "province", "auditor", scope="read", project=True),
    summary="作业的输出",
)
def log(request: HttpRequest, uid: str, offset: int = 0, tail: int | None = None) -> HttpResponse:
    """What the job wrote, from an offset in bytes on, as it is; the header Huisuan-Next-Offset continues it.

    With `tail` only the last so many bytes of what has arrived.
    """
    job = _job(viewer_of(request), uid)
    if tail is not None:
        offset = max(job_queries.log_end(uid) - max(tail, 0), 0)
    piece = job_queries.log_piece(job, offset)
    answer = HttpResponse(piece.text, content_type="text/plain; charset=utf-8")
    answer["Huisuan-Next-Offset"] = str(piece.next_offset)
    answer["Huisuan-Complete"] = "yes" if piece.complete else "no"
    return answer


@router.post(
    "/jobs/{uid}/cancel",
    response=wire.Job,
    auth=Allow("user", "province", scope="submit", project=True),
    summary="取消作业",
)
def cancel(request: HttpRequest, uid: str) -> wire.Job:
    """Ask for the job to end; asking twice is once."""
    try:
        return job_queries.job_to_wire(jobs.cancel_job(uid, viewer_of(request), datetime.now(UTC)))
    except Job.DoesNotExist:
        raise _nothing(uid) from None


@router.post(
    "/jobs/{uid}/cancel-array",
    response=list[str],
    auth=Allow("user", "province", scope="submit", project=True),
    summary="取消整个阵列",
)
def cancel_array(request: HttpRequest, uid: str) -> list[str]:
    """Ask for every job of its array that is not over to end; their uids."""
    try:
        return [job.uid for job in jobs.cancel_array(uid, viewer_of(request), datetime.now(UTC))]
    except Job.DoesNotExist:
        raise _nothing(uid) from None


@router.get(
    "/platform-key",
    response=dict[str, str],
    auth=Allow(scope="read", project=True),
    summary="平台的公钥：核对通知、回执与封账的签名",
)
def platform_public_key(request: HttpRequest) -> dict[str, str]:
    """The platform's Ed25519 public key, 32 bytes in hex."""
    return {"ed25519": platform_key.public()}


@router.get(
    "/centres",
    response=list[wire.CentreInfo],
    auth=Allow(scope="read", project=True),
    summary="智算中心、空闲的卡和今天的价格",
)
def list_centres(request: HttpRequest) -> list[wire.CentreInfo]:
    """Every centre; what a user chooses from."""
    return job_queries.list_centre_cards(datetime.now(UTC))


def _job(viewer: Viewer, uid: str) -> Job:
    try:
        return job_queries.one(viewer, uid)
    except Job.DoesNotExist:
        raise _nothing(uid) from None


def _nothing(uid: str) -> ApiRefusal:
    return ApiRefusal(404, f"没有作业 {uid}", code="job.unknown")
