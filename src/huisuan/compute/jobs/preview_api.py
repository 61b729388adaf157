"""Placement over HTTP: a preview of a job, and why a job is where it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from huisuan.compute.jobs import availability as availabilities
from huisuan.compute.jobs import preview as previewing
from huisuan.compute.models import Job
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol.placement import Availability, Preview, Why
from huisuan.protocol.resources import JobRequest

router = Router(tags=["作业"])


@router.post(
    "/jobs/preview",
    response=Preview,
    auth=Allow("user", "province", scope="read", project=True),
    summary="提交之前：去哪里、多少钱",
)
def preview(request: HttpRequest, asked: JobRequest) -> Preview:
    """Where the job could run, when, at what price, and what comes back; nothing is submitted."""
    return previewing.preview(asked, viewer_of(request), datetime.now(UTC))


@router.get(
    "/jobs/{uid}/why", response=Why, auth=Allow(scope="read", project=True), summary="为什么在那里，为什么还没有开始"
)
def why(request: HttpRequest, uid: str) -> Why:
    """The decisions with their figures; while the job waits, what every pool says to it."""
    try:
        return previewing.why(uid, viewer_of(request), datetime.now(UTC))
    except Job.DoesNotExist:
        raise ApiRefusal(404, f"没有作业 {uid}", code="job.unknown") from None


@router.get(
    "/now", response=Availability, auth=Allow(scope="read"), summary="现在有什么：空闲的卡、队列、价格、净价、要等多久"
)
def now(
    request: HttpRequest,
    cards: Annotated[int, Query(description="作业的卡数")] = 1,
    model: Annotated[str | None, Query(description="只看这个型号")] = None,
    hours: Annotated[int, Query(description="作业的时长")] = 1,
) -> Availability:
    """Every pool as it is now, and which suits a job of that size best by price and by time."""
    viewer = viewer_of(request)
    return availabilities.availability(viewer, datetime.now(UTC), cards=cards, model=model, hours=hours)
