"""What changes a job from its user's side: submitting it, cancelling it. Each is one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches

from django.db import transaction

from huisuan.client.wire import JobRequest
from huisuan.compute.dispatch import ask_of, place_waiting, pools
from huisuan.compute.job_queries import one, visible
from huisuan.compute.job_request import checked
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Job, JobState
from huisuan.compute.placement import place
from huisuan.compute.uid import job_uid
from huisuan.console import Refused
from huisuan.parties.access import Viewer
from huisuan.parties.models import Party


@transaction.atomic
def submit_job(asked: JobRequest, viewer: Viewer, now: datetime, randomness: bytes) -> Job:
    """Take a job and place it if there is room; `randomness` (10 bytes) makes its uid unique.

    Raises:
        Refused: it has not the form of a job, names something unknown, or nobody could ever run it.
    """
    asked = checked(asked)
    job = Job(
        uid=job_uid(now, randomness),
        party=_party(asked, viewer),
        submitted_by=viewer.name[:80],
        name=asked.name,
        command=asked.command,
        environment=asked.environment,
        cards=asked.cards,
        accelerator=_accelerator(asked.model),
        time_limit_seconds=asked.time_limit_seconds,
        wanted_centre=_centre(asked.centre),
        submitted_at=now,
    )
    first_look = place(ask_of(job), pools(now))
    if not first_look.possible:
        raise Refused("；".join(first_look.reasons))
    job.save(force_insert=True)
    place_waiting(now)
    job.refresh_from_db()
    return job


@transaction.atomic
def cancel_job(uid: str, viewer: Viewer, now: datetime) -> Job:
    """Ask for a job to end: one that waits ends here, one at a centre when its agent has ended it. Twice is once.

    Raises:
        Refused: it is over.
        Job.DoesNotExist: there is none that the viewer may see.
    """
    job = visible(viewer).select_for_update(of=("self",)).get(pk=one(viewer, uid).pk)
    if job.state in FINAL_STATES:
        if job.cancel_requested_at and job.state == JobState.CANCELLED:
            return job
        raise Refused(f"作业 {uid} 已经结束（{job.get_state_display()}），不能再取消")
    if job.cancel_requested_at is None:
        job.cancel_requested_at = now
    if job.state == JobState.SUBMITTED:
        job.state, job.ended_at, job.reasons = JobState.CANCELLED, now, [f"调度之前由 {viewer.name} 取消"]
    job.save(update_fields=["cancel_requested_at", "state", "ended_at", "reasons"])
    return job


def _party(asked: JobRequest, viewer: Viewer) -> Party:
    if viewer.role == "user":
        own = Party.objects.get(viewer.parties())
        if asked.party not in (None, own.uscc):
            raise Refused(f"主体 {asked.party}：只能为自己的主体（{own.uscc}）提交作业")
        return own
    if not asked.party:
        raise Refused("没有说明作业属于哪个主体：请用 --party 写统一社会信用代码，或以使用方身份 huisuan login")
    found = Party.objects.filter(uscc=asked.party).first()
    if found is None:
        raise Refused(f"主体 {asked.party} 不存在：请先用 huisuan party import 导入")
    return found


def _accelerator(model: str | None) -> Accelerator | None:
    if model is None:
        return None
    found = Accelerator.objects.filter(model__iexact=model).first()
    if found is None:
        raise Refused(
            f"型号 {model} 不在加速卡目录中{_nearest(model, Accelerator.objects.values_list('model', flat=True))}"
        )
    return found


def _centre(code: str | None) -> Centre | None:
    if code is None:
        return None
    found = Centre.objects.filter(code__iexact=code).first()
    if found is None:
        raise Refused(f"没有智算中心 {code}{_nearest(code, Centre.objects.values_list('code', flat=True))}")
    return found


def _nearest(name: str, known: Iterable[str]) -> str:
    by_small = {one.lower(): one for one in known}
    near = [by_small[one] for one in get_close_matches(name.lower(), by_small, n=3, cutoff=0.4)]
    return f"；相近的有 {'、'.join(near)}" if near else ""
