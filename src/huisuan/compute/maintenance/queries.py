"""Maintenance windows, for everybody who may place work: when and where a centre is shut is no secret of the centre."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from huisuan.compute.maintenance.met_jobs import MetJob
from huisuan.compute.models import MaintenanceWindow
from huisuan.compute.placement.messages import format_span


def list_windows(now: datetime, centre: str | None = None, *, past: bool = False) -> QuerySet[MaintenanceWindow]:
    """The windows that are to come or under way, the first first; with `past` also those over or cancelled."""
    rows = MaintenanceWindow.objects.select_related("centre").order_by("starts_at", "pk")
    if centre is not None:
        rows = rows.filter(centre__code=centre)
    return rows if past else rows.filter(ends_at__gt=now, cancelled_at__isnull=True)


def window_state(window: MaintenanceWindow, now: datetime) -> str:
    """`cancelled`, `over`, `under_way` or `to_come`."""
    if window.cancelled_at is not None:
        return "cancelled"
    if window.ends_at <= now:
        return "over"
    return "under_way" if window.starts_at <= now else "to_come"


def window_to_dict(window: MaintenanceWindow, now: datetime) -> dict[str, Any]:
    """A window as lists and JSON show it; `partitions` empty: the whole centre."""
    return {
        "number": window.pk,
        "centre": window.centre.code,
        "partitions": window.partitions,
        "nodes": window.nodes,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "state": window_state(window, now),
        "reason": window.reason,
        "declared_by": window.declared_by,
        "declared_at": window.declared_at,
        "cancelled_by": window.cancelled_by,
        "cancelled_at": window.cancelled_at,
    }


def met_to_dict(met: MetJob, window: MaintenanceWindow) -> dict[str, Any]:
    """A job that a window meets, and what happens to it, as lists and JSON show it."""
    late = int((met.ends_by - window.starts_at).total_seconds())
    if met.withdrawn:
        happens = "还没有开始：已撤回，另行调度" if window.pk else "还没有开始：会撤回，另行调度"
    else:
        happens = f"继续运行，平台不中断它；最晚比维护开始晚 {format_span(max(late, 0))} 结束，提交方会收到消息"
    return {
        "uid": met.job.pk,
        "name": met.job.name,
        "party": met.job.party.name,
        "state": met.job.state,
        "cards": met.job.cards,
        "ends_by": met.ends_by,
        "withdrawn": met.withdrawn,
        "what_happens": happens,
    }
