"""Many jobs at once, and again, over HTTP: cancelling with time to undo, submitting again, templates."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Header, Router, Status

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobs import again, held_cancels
from huisuan.compute.jobs.queries import job_to_wire, one
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Job
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import job_desk as wire
from huisuan.protocol import resources
from huisuan.protocol.job_uid import RANDOM_BYTES

router = Router(tags=["作业"])
_CHANGES = Allow("user", "province", scope="submit")
_CANCELS = Allow("user", "province", scope="submit", project=True)


@router.post("/cancels", response={201: wire.CancelHold}, auth=_CANCELS, summary="取消许多作业，发出之前可以撤销")
def cancel_many(request: HttpRequest, asked: wire.CancelRequest) -> Status[wire.CancelHold]:
    """Hold the cancel of the jobs that are named, or that a filter finds; it is sent when it is due."""
    viewer = viewer_of(request)
    held, over = held_cancels.hold_cancel(held_cancels.named_by(asked, viewer), viewer, datetime.now(UTC))
    return Status(201, held_cancels.cancel_to_wire(held, over))


@router.get(
    "/cancels", response=list[wire.CancelHold], auth=Allow(scope="read", project=True), summary="还能撤销的取消"
)
def list_cancels(request: HttpRequest) -> list[wire.CancelHold]:
    """What is held and can still be undone."""
    return [held_cancels.cancel_to_wire(held) for held in held_cancels.open_cancels(viewer_of(request))]


@router.post("/cancels/{number}/undo", response=wire.CancelHold, auth=_CANCELS, summary="撤销一次取消")
def undo_cancel(request: HttpRequest, number: int) -> wire.CancelHold:
    """Let the jobs go on; 409 once it is sent."""
    viewer = viewer_of(request)
    return held_cancels.cancel_to_wire(held_cancels.undo_cancel(number, viewer, datetime.now(UTC)))


_OWN = Allow("user", scope="submit")
_IdempotencyKey = Annotated[
    str, Header(alias=resources.IDEMPOTENCY_KEY, max_length=200, description="同一请求带同一个值重发，只提交一次")
]


@router.post("/jobs/{uid}/resubmit", response={201: resources.Job}, auth=_CHANGES, summary="照原样再提交一次")
def resubmit(request: HttpRequest, uid: str, key: _IdempotencyKey = "") -> Status[resources.Job]:
    """The new job; 422 where what it asked for cannot be had any more."""
    try:
        job = again.resubmit(uid, viewer_of(request), datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES), key)
    except Job.DoesNotExist:
        raise ApiRefusal(404, f"没有作业 {uid}", code="job.unknown") from None
    return Status(201, job_to_wire(job))


@router.get("/job-templates", response=list[wire.TemplateInfo], auth=Allow("user", scope="read"), summary="单位的模板")
def list_templates(request: HttpRequest) -> list[wire.TemplateInfo]:
    """The firm's templates by name."""
    return [again.template_to_wire(template) for template in again.templates(viewer_of(request))]


@router.put("/job-templates/{name}", response=wire.TemplateInfo, auth=_OWN, summary="存一个模板；同名的换掉")
def save_template(request: HttpRequest, name: str, asked: wire.TemplateRequest) -> wire.TemplateInfo:
    """Keep a request, or that of a job, under a name."""
    viewer, now = viewer_of(request), datetime.now(UTC)
    if (asked.request is None) == (asked.from_job is None):
        raise InvalidRequest("request 与 from_job 只写一个", code="template.source_unclear")
    try:
        kept = asked.request or again.request_of(one(viewer, asked.from_job or ""), now)
    except Job.DoesNotExist:
        raise ApiRefusal(404, f"没有作业 {asked.from_job}", code="job.unknown") from None
    return again.template_to_wire(again.save_template(name, kept, viewer, now))


@router.delete("/job-templates/{name}", response={204: None}, auth=_OWN, summary="删除一个模板")
def delete_template(request: HttpRequest, name: str) -> Status[None]:
    """Forget it; jobs that came of it stay."""
    again.template_named(name, viewer_of(request)).delete()
    return Status(204, None)


@router.post("/job-templates/{name}/submit", response={201: resources.Job}, auth=_OWN, summary="照模板提交一个作业")
def submit_template(request: HttpRequest, name: str, key: _IdempotencyKey = "") -> Status[resources.Job]:
    """The job."""
    viewer = viewer_of(request)
    asked = resources.JobRequest.model_validate(again.template_named(name, viewer).request)
    job = submit_job(asked, viewer, datetime.now(UTC), secrets.token_bytes(RANDOM_BYTES), key)
    return Status(201, job_to_wire(job))
