"""Many jobs at once, and again, over HTTP: cancelling with time to undo."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router, Status

from huisuan.compute.jobs import held_cancels
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import job_desk as wire

router = Router(tags=["作业"])
_CHANGES = Allow("user", "province", scope="submit")


@router.post("/cancels", response={201: wire.CancelHold}, auth=_CHANGES, summary="取消许多作业，发出之前可以撤销")
def cancel_many(request: HttpRequest, asked: wire.CancelRequest) -> Status[wire.CancelHold]:
    """Hold the cancel of the jobs that are named, or that a filter finds; it is sent when it is due."""
    viewer = viewer_of(request)
    held, over = held_cancels.hold_cancel(held_cancels.named_by(asked, viewer), viewer, datetime.now(UTC))
    return Status(201, held_cancels.cancel_to_wire(held, over))


@router.get("/cancels", response=list[wire.CancelHold], auth=Allow(scope="read"), summary="还能撤销的取消")
def list_cancels(request: HttpRequest) -> list[wire.CancelHold]:
    """What is held and can still be undone."""
    return [held_cancels.cancel_to_wire(held) for held in held_cancels.open_cancels(viewer_of(request))]


@router.post("/cancels/{number}/undo", response=wire.CancelHold, auth=_CHANGES, summary="撤销一次取消")
def undo_cancel(request: HttpRequest, number: int) -> wire.CancelHold:
    """Let the jobs go on; 409 once it is sent."""
    viewer = viewer_of(request)
    return held_cancels.cancel_to_wire(held_cancels.undo_cancel(number, viewer, datetime.now(UTC)))
