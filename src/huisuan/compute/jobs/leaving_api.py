"""Removing a colleague over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router

from huisuan.compute.jobs.leaving import remove_with_jobs
from huisuan.parties.members_api import actor_of_request, member_to_wire
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import firm as wire

router = Router(tags=["本单位"])


@router.post(
    "/members/{username}/remove",
    response=wire.Removal,
    auth=Allow("user", scope="manage"),
    summary="移除成员：其令牌立即失效，作业继续或取消",
)
def remove_member(request: HttpRequest, username: str, asked: wire.RemovalRequest) -> wire.Removal:
    """A colleague's access ends; the owner says what becomes of their jobs."""
    done = remove_with_jobs(viewer_of(request), username, asked.jobs, actor_of_request(request), datetime.now(UTC))
    return wire.Removal(member=member_to_wire(done.person), jobs=asked.jobs, uids=done.uids)
