"""Declaring and cancelling maintenance windows, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.compute.budgets.services import PLACEMENT_LOCK
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.centres.windows import CentreWindows
from huisuan.compute.maintenance.met_jobs import MetJob, jobs_met_by, withdraw_from_maintenance
from huisuan.compute.models import Centre, CentreNode, MaintenanceWindow
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import person_of_firm

_LONGEST = timedelta(days=92)
_MOST_NODES = 500
_REASON_LENGTH = 200


@dataclass(frozen=True)
class WindowPlan:
    """A window as it is asked for: of partitions, or of the partitions of some nodes, or (neither) of the centre."""

    starts_at: datetime
    ends_at: datetime
    reason: str
    partitions: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeclaredWindow:
    """A window (without a number where it was only tried) and the jobs that it meets."""

    window: MaintenanceWindow
    met: list[MetJob]


def declare_window(code: str, plan: WindowPlan, by: str, now: datetime, *, dry_run: bool = False) -> DeclaredWindow:
    """Declare a window: from now on nothing is placed so that it could still run when the window begins.

    Jobs that are there and have not begun are taken back and placed anew; jobs that run go on, and whoever submitted
    one that may still run by then is told. `dry_run`: only say which jobs those are.

    Raises:
        InvalidRequest: the times, the reason, a partition or a node is wrong.
        NotFound: no such centre.
        Conflict: the same window stands already.
    """
    centre = centre_by_code(code)
    window = _window(centre, plan, by, now)
    with transaction.atomic():
        with connection.cursor() as cursor:  # see PLACEMENT_LOCK
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACEMENT_LOCK])
        _refuse_twice(window)
        own = CentreWindows((window,))
        met = jobs_met_by(own, centre.pk, now)
        if dry_run:
            return DeclaredWindow(window, met)
        window.save()
        withdraw_from_maintenance(now, {centre.pk: own})
        _tell(window, met, now)
    return DeclaredWindow(window, met)


def cancel_window(number: int, by: str, now: datetime, code: str | None = None) -> MaintenanceWindow:
    """Cancel a window that is not over (one that is under way ends now); `code`: only if it is this centre's.

    Raises:
        NotFound: there is none of that number.
        Conflict: it was cancelled, or is over.
    """
    with transaction.atomic():
        rows = MaintenanceWindow.objects.select_for_update(of=("self",)).select_related("centre")
        if code is not None:
            rows = rows.filter(centre__code=code)
        window = rows.filter(pk=number).first()
        if window is None:
            raise NotFound(f"没有 {number} 号维护窗口；用 huisuan maintenance list 查看", code="maintenance.unknown")
        if window.cancelled_at is not None:
            raise Conflict(f"{number} 号维护窗口已由 {window.cancelled_by} 撤销", code="maintenance.already_cancelled")
        if window.ends_at <= now:
            raise Conflict(f"{number} 号维护窗口已于 {_local(window.ends_at)} 结束，不能撤销", code="maintenance.over")
        window.cancelled_at, window.cancelled_by = now, by[:80]
        window.save(update_fields=["cancelled_at", "cancelled_by"])
    return window


def _window(centre: Centre, plan: WindowPlan, by: str, now: datetime) -> MaintenanceWindow:
    reason = " ".join(plan.reason.split())
    if not reason or len(reason) > _REASON_LENGTH:
        raise InvalidRequest(
            f"请写明维护的原因，1 至 {_REASON_LENGTH} 个字，如 更换交换机：提交作业的人会看到",
            code="maintenance.reason_missing",
        )
    if plan.ends_at <= plan.starts_at:
        raise InvalidRequest(
            f"结束 {_local(plan.ends_at)} 不晚于开始 {_local(plan.starts_at)}；请改其一",
            code="maintenance.times_reversed",
        )
    if plan.ends_at <= now:
        raise InvalidRequest(
            f"结束 {_local(plan.ends_at)} 已经过去；维护窗口只对以后有用", code="maintenance.in_the_past"
        )
    if plan.ends_at - plan.starts_at > _LONGEST:
        raise InvalidRequest(
            f"{_local(plan.starts_at)} 至 {_local(plan.ends_at)} 超过 {_LONGEST.days} 天；"
            "长期停用请改中心的分区，或分几段申报",
            code="maintenance.too_long",
        )
    return MaintenanceWindow(
        centre=centre, partitions=_partitions(centre, plan), nodes=sorted(set(plan.nodes)), starts_at=plan.starts_at,
        ends_at=plan.ends_at, reason=reason, declared_by=by[:80], declared_at=now,
    )  # fmt: skip


def _partitions(centre: Centre, plan: WindowPlan) -> list[str]:
    """The partitions that are shut; empty: all of them."""
    known = sorted(set(centre.partitions.values_list("name", flat=True)))
    for name in plan.partitions:
        if name not in known:
            raise InvalidRequest(
                f'中心 {centre.code} 没有分区 "{shortened(name, 60)}"；有：{"、".join(known)}',
                code="maintenance.partition_unknown",
            )
    if len(plan.nodes) > _MOST_NODES:
        raise InvalidRequest(
            f"写了 {len(plan.nodes)} 个节点，至多 {_MOST_NODES} 个；请改写分区", code="maintenance.too_many_nodes"
        )
    rows = CentreNode.objects.filter(centre=centre, name__in=plan.nodes).values_list("name", "partition")
    seen = {name for name, _ in rows}
    for name in plan.nodes:
        if name not in seen:
            raise InvalidRequest(
                f'中心 {centre.code} 的调度器没有显示过节点 "{shortened(name, 120)}"；节点名见中心页，或改写分区',
                code="maintenance.node_unknown",
            )
    met = {partition for _, partition in rows}
    if met - set(known):  # a node outside the registered partitions may belong to any of them
        return []
    return sorted(met | set(plan.partitions))


def _refuse_twice(window: MaintenanceWindow) -> None:
    same = MaintenanceWindow.objects.filter(
        centre=window.centre, partitions=window.partitions, starts_at=window.starts_at, ends_at=window.ends_at,
        cancelled_at__isnull=True,
    ).first()  # fmt: skip
    if same is not None:
        raise Conflict(
            f"同样的维护窗口已经申报（{same.pk} 号，{same.reason}）；要改请先撤销它",
            code="maintenance.declared_already",
        )


def _tell(window: MaintenanceWindow, met: list[MetJob], now: datetime) -> None:
    """Tell whoever submitted a job that may still run when the window begins; the others are placed anew by us."""
    notify_all(
        [
            Notice(
                "job_meets_maintenance",
                {
                    "name": each.job.name or each.job.pk, "centre": window.centre.name,
                    "starts": _local(window.starts_at), "reason": window.reason,
                },
                (person_of_firm(each.job.party_id, each.job.submitted_by),),
                f"job:{each.job.pk}:maintenance:{window.pk}",
                f"/jobs/{each.job.pk}",
            )
            for each in met
            if not each.withdrawn
        ],
        now,
    )  # fmt: skip


def _local(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
