"""Cancelling many jobs with time to undo. What is held lies in the database: a restart neither loses nor hastens it.

A job that waits is not placed while its cancel is held: it would begin, and cost, only to be ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.queries import JobFilter, visible
from huisuan.compute.jobs.services import cancel_jobs
from huisuan.compute.models import FINAL_STATES, HeldCancel, Job
from huisuan.parties.projects import get_project
from huisuan.parties.viewer import Viewer
from huisuan.protocol import job_desk as wire

MOST_JOBS = 1000  # that one question can be about


def jobs_to_cancel(viewer: Viewer, only: JobFilter) -> QuerySet[Job]:
    """The jobs of a filter that are not over and not asked to end yet.

    Raises:
        InvalidRequest: there is no such state.
    """
    return only.apply(visible(viewer)).exclude(state__in=FINAL_STATES).filter(cancel_requested_at__isnull=True)


def named_by(asked: wire.CancelRequest, viewer: Viewer) -> list[str]:
    """The uids that a request names, by itself or by its filter.

    Raises:
        InvalidRequest: it names nothing, nothing that is not over, or a project of nobody knows which firm.
        NotFound: the viewer's firm has no such project, or their token is of another one.
    """
    if asked.uids:
        return asked.uids
    only = JobFilter(**asked.model_dump(exclude={"uids"}, exclude_none=True))
    if only.finds_all:
        raise InvalidRequest("没有说要取消哪些作业：请给出作业号或筛选条件", code="cancel.names_nothing")
    _check_project(only, viewer)
    found = list(jobs_to_cancel(viewer, only).values_list("pk", flat=True)[: MOST_JOBS + 1])
    if not found:
        raise InvalidRequest("没有一个没结束的作业符合这个筛选", code="cancel.finds_nothing")
    return found


def _check_project(only: JobFilter, viewer: Viewer) -> None:
    """That a project is named which the viewer has: every firm has one called default."""
    if not (only.project or "").strip():
        return
    if viewer.role == "user":
        get_project(viewer, only.project or "")
    elif not (only.party or "").strip():
        raise InvalidRequest(
            f"项目 {only.project}：各单位的项目可以同名，请同时写 party（统一社会信用代码）",
            code="cancel.project_of_which_party",
        )


@transaction.atomic
def hold_cancel(uids: Sequence[str], viewer: Viewer, now: datetime) -> tuple[HeldCancel, list[str]]:
    """Hold the cancel of these jobs for HUISUAN_CANCEL_HOLD_SECONDS; with it those of them that are over already.

    Raises:
        InvalidRequest: too many, or all of them over. NotFound: some are none that the viewer may see.
    """
    wanted = list(dict.fromkeys(uids))
    if len(wanted) > MOST_JOBS:
        raise InvalidRequest(
            f"一次最多取消 {MOST_JOBS} 个作业：请缩小筛选，分几次取消；整个阵列请用 --array", code="cancel.too_many"
        )
    plain = [uid for uid in wanted if uid.isalnum()]
    states = dict(visible(viewer).filter(pk__in=plain).values_list("pk", "state"))
    if unknown := [uid for uid in wanted if uid not in states]:
        raise NotFound(f"没有作业 {'、'.join(unknown[:5])}", code="job.unknown")
    over = [uid for uid in wanted if states[uid] in FINAL_STATES]
    left = [uid for uid in wanted if states[uid] not in FINAL_STATES]
    if not left:
        raise InvalidRequest("这些作业都已经结束，不能再取消", code="cancel.all_over")
    party = viewer.party_id if viewer.role == "user" else None
    due = now + timedelta(seconds=settings.HUISUAN_CANCEL_HOLD_SECONDS)
    held = HeldCancel.objects.create(party_id=party, uids=left, asked_by=viewer.name[:80], asked_at=now, due_at=due)
    if due <= now:
        _send(held, now)
    return held, over


def open_cancels(viewer: Viewer) -> list[HeldCancel]:
    """What is held and may still be undone by the viewer, newest first."""
    held = HeldCancel.objects.filter(undone_at__isnull=True, sent_at__isnull=True)
    if viewer.role not in ("user", "province"):
        return []
    return _within_project(held.filter(party=viewer.party_id if viewer.role == "user" else None), viewer)


def _within_project(held: QuerySet[HeldCancel], viewer: Viewer) -> list[HeldCancel]:
    """Those about jobs of the token's project alone: what also holds another project's jobs is not its to see."""
    rows = list(held)
    if viewer.project_id is None or not rows:
        return rows
    jobs = Job.objects.filter(pk__in={uid for each in rows for uid in each.uids})
    elsewhere = set(jobs.exclude(project=viewer.project_id).values_list("pk", flat=True))
    return [each for each in rows if elsewhere.isdisjoint(each.uids)]


@transaction.atomic
def undo_cancel(number: int, viewer: Viewer, now: datetime) -> HeldCancel:
    """Let the jobs go on; undoing twice is once.

    Raises:
        NotFound: nothing of the viewer's is held under that number. Conflict: it is sent already, or due.
    """
    mine = HeldCancel.objects.filter(party=viewer.party_id if viewer.role == "user" else None, pk=number)
    found = _within_project(mine.select_for_update(), viewer) if viewer.role in ("user", "province") else []
    held = next(iter(found), None)
    if held is None:
        raise NotFound(f"没有待发的取消 {number}", code="cancel.unknown")
    if held.undone_at:
        return held
    if held.sent_at or held.due_at <= now:
        raise Conflict("取消已经发出，不能再撤销：请重新提交", code="cancel.already_sent")
    held.undone_at, held.undone_by = now, viewer.name[:80]
    held.save(update_fields=["undone_at", "undone_by"])
    place_waiting(now)
    return held


@transaction.atomic
def send_due_cancels(now: datetime) -> int:
    """Cancel what was held long enough; returns how many jobs were asked to end."""
    due = HeldCancel.objects.filter(undone_at__isnull=True, sent_at__isnull=True, due_at__lte=now)
    return sum(_send(held, now) for held in due.select_for_update(skip_locked=True).order_by("pk"))


def _send(held: HeldCancel, now: datetime) -> int:
    jobs = Job.objects.filter(pk__in=held.uids).exclude(state__in=FINAL_STATES).order_by("pk")
    asked = list(jobs.select_for_update())
    cancel_jobs(asked, held.asked_by, now)
    held.sent_at = now
    held.save(update_fields=["sent_at"])
    return len(asked)


def cancel_to_wire(held: HeldCancel, over: Sequence[str] = ()) -> wire.CancelHold:
    """A held cancel as the API tells it."""
    return wire.CancelHold(
        id=held.pk, uids=held.uids, over=list(over), asked_by=held.asked_by, asked_at=held.asked_at,
        due_at=held.due_at, undone_at=held.undone_at, sent_at=held.sent_at,
    )  # fmt: skip
