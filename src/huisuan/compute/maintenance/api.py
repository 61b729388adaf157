"""Maintenance windows over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status
from pydantic import AwareDatetime

from huisuan.compute.maintenance import services
from huisuan.compute.maintenance.queries import list_windows, met_to_dict, window_to_dict
from huisuan.compute.models import Centre
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["维护窗口"])


class Window(Schema):
    """When a centre, or some partitions of it, takes no work."""

    number: int | None = Field(description="编号；只是试看的没有")
    centre: str
    partitions: list[str] = Field(description="停用的分区；空：整个中心")
    nodes: list[str] = Field(description="按节点申报时的节点：它们所在的分区停用")
    starts_at: datetime
    ends_at: datetime
    state: str = Field(description="to_come、under_way、over、cancelled")
    reason: str
    declared_by: str
    declared_at: datetime
    cancelled_by: str
    cancelled_at: datetime | None


class MetJobOut(Schema):
    """A job that was there when the window was declared, and may still run when it begins."""

    uid: str
    name: str
    party: str
    state: str
    cards: int
    ends_by: datetime = Field(description="最晚何时结束（时限）")
    withdrawn: bool = Field(description="还没有开始，已撤回另行调度")
    what_happens: str


class DeclaredOut(Window):
    """A window with the jobs that it meets."""

    dry_run: bool
    jobs: list[MetJobOut]


class WindowRequest(Schema):
    """A window to declare."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str
    partitions: list[str] = []
    nodes: list[str] = []
    dry_run: bool = Field(False, description="只看会碰到哪些作业，不申报")


@router.get("/maintenance", response=list[Window], auth=Allow(scope="read"), summary="维护窗口")
def list_all(
    request: HttpRequest,
    centre: str | None = None,
    past: Annotated[bool, Query(description="也列出已结束和已撤销的")] = False,
) -> list[dict[str, Any]]:
    """Windows to come or under way at all centres, the first first."""
    now = datetime.now(UTC)
    return [window_to_dict(window, now) for window in list_windows(now, centre, past=past)[:1000]]


@router.post(
    "/centres/{centre}/maintenance",
    response={201: DeclaredOut},
    auth=Allow("centre", "province", scope="manage"),
    summary="申报维护窗口",
)
def declare(request: HttpRequest, centre: str, asked: WindowRequest) -> Status[dict[str, Any]]:
    """Declare a window over a centre: the answer says which jobs it meets and what happens to them."""
    now = datetime.now(UTC)
    plan = services.WindowPlan(
        asked.starts_at, asked.ends_at, asked.reason, tuple(asked.partitions), tuple(asked.nodes)
    )
    made = services.declare_window(_own(request, centre), plan, viewer_of(request).name, now, dry_run=asked.dry_run)
    jobs = [met_to_dict(each, made.window) for each in made.met]
    return Status(201, {**window_to_dict(made.window, now), "dry_run": asked.dry_run, "jobs": jobs})


@router.post(
    "/centres/{centre}/maintenance/{number}/cancel",
    response=Window,
    auth=Allow("centre", "province", scope="manage"),
    summary="撤销维护窗口",
)
def cancel(request: HttpRequest, centre: str, number: int) -> dict[str, Any]:
    """Cancel a window of a centre; one that is under way ends now."""
    now = datetime.now(UTC)
    return window_to_dict(services.cancel_window(number, viewer_of(request).name, now, _own(request, centre)), now)


def _own(request: HttpRequest, code: str) -> str:
    """The code of a centre, if it is one that the caller may change."""
    if not Centre.objects.filter(viewer_of(request).centres(), code=code).exists():
        raise ApiRefusal(404, f"没有智算中心 {code}，或不是您能管理的", code="centre.unknown")
    return code
