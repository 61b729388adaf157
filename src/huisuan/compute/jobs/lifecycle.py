"""A job's life after it was submitted: every step of its state, each with its event, in one place.

    submitted --after--> waiting --dispatch--> placed --> queued --> running --> done | failed | cancelled | lost
                            ^                     |          |          |
                            +---- never began (moved, expired), or failed and may be tried again ----+

What an agent says is believed only under the job's present lease. Saying it again changes nothing, and no state
goes back but to `waiting`, and then with a new run: a run's name is never used twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.compute.jobs.webhooks.ended_messages import record_ended
from huisuan.compute.models import AT_CENTRE, FINAL_STATES, Centre, Job, JobDependency, JobEvent, JobState
from huisuan.protocol.agent import Observed
from huisuan.protocol.run_set import mark

LEASE_SECONDS = 60  # how long runs at the gate wait for an agent that hears nothing
MOVED_AFTER = timedelta(seconds=2 * LEASE_SECONDS)  # the silence after which waiting work goes elsewhere
_ENDS = {
    "completed": JobState.DONE, "failed": JobState.FAILED, "timeout": JobState.FAILED,
    "cancelled": JobState.CANCELLED, "lost": JobState.LOST,
}  # fmt: skip
#: what a step may change, after the key, with its type
_COLUMNS = (
    ("uid", "varchar"), ("state", "varchar"), ("run", "smallint"), ("centre_id", "bigint"),
    ("accelerator_id", "bigint"), ("partition", "varchar"), ("fen_per_card_hour", "bigint"), ("reasons", "jsonb"),
    ("placed_at", "timestamptz"), ("queued_at", "timestamptz"), ("started_at", "timestamptz"),
    ("ended_at", "timestamptz"), ("exit_code", "int"),
    ("running_since", "timestamptz"), ("expected_start", "timestamptz"),
)  # fmt: skip
_ASSIGNMENTS = ", ".join(f"{name} = v.{name}" for name, _ in _COLUMNS[1:])
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _COLUMNS)
SAVE = (
    f"UPDATE compute_job j SET {_ASSIGNMENTS}"  # noqa: S608 (names of ours)
    f" FROM unnest({_ARRAYS}) AS v({', '.join(name for name, _ in _COLUMNS)})"
    " WHERE j.uid = v.uid"
)
NEVER_NEEDED = ("command", "script", "environment", "notes")  # for a step, and may be large


@dataclass
class Steps:
    """Steps of several jobs, taken in memory and written together, each with its event."""

    now: datetime
    jobs: dict[str, Job] = field(default_factory=dict)
    events: list[JobEvent] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)

    def take(self, job: Job, state: JobState, text: str = "", **values: Any) -> None:
        """Move a job on; the event keeps the centre that it was at, and the text."""
        centre = job.centre_id
        for name, value in {"state": state, **values}.items():
            setattr(job, name, value)
        self.jobs[job.pk] = job
        self.events.append(
            JobEvent(job=job, at=self.now, run=job.run, lease=job.lease, state=state, centre_id=centre, text=text)
        )
        if state in FINAL_STATES:
            self.ended.add(job.pk)

    def end(self, job: Job, state: JobState, text: str = "", **values: Any) -> None:
        """A job's end, with the reason added to those it has."""
        reasons = [*job.reasons, text] if text else job.reasons
        self.take(job, state, text, **{"ended_at": self.now, "reasons": reasons, **values})

    def wait_again(self, job: Job, text: str) -> None:
        """Back to the queue of the province as another run; one that is to be cancelled ends instead."""
        if job.cancel_requested_at:
            self.end(job, JobState.CANCELLED, f"{text}，已按请求取消")
            return
        job.run += 1
        self.take(
            job, JobState.WAITING, text, reasons=[text], centre_id=None, accelerator_id=None, partition="",
            fen_per_card_hour=None, placed_at=None, queued_at=None, started_at=None, exit_code=None,
            running_since=None, expected_start=None,
        )  # fmt: skip

    def note(self, job: Job, **values: Any) -> None:
        """Learn something about a job that is no step."""
        for name, value in values.items():
            setattr(job, name, value)
        self.jobs[job.pk] = job

    def write(self) -> None:
        """Write everything; then those that wait for jobs that ended here."""
        self.save()
        if self.ended:
            follow(self.now, self.ended)

    def save(self) -> None:
        """Write the jobs in one statement and the events in another, and tell of those that end."""
        if self.jobs:
            with connection.cursor() as cursor:
                cursor.execute(SAVE, [[_written(name, job) for job in self.jobs.values()] for name, _ in _COLUMNS])
        JobEvent.objects.bulk_create(self.events)
        record_ended((self.jobs[uid] for uid in sorted(self.ended)), self.now)


# --- what agents say


@dataclass
class Taken:
    """What came of an agent's words: jobs spoken of that are over or unknown, and the marks (protocol.run_set) of the
    runs that left the centre by what was said.
    """

    settled: set[str] = field(default_factory=set)
    left: list[int] = field(default_factory=list)


def observe(centre: Centre, observed: Sequence[Observed], now: datetime) -> Taken:
    """Take in how runs stand at a centre. Must run inside a transaction."""
    uids = {each.uid for each in observed}
    rows = Job.objects.select_for_update().filter(pk__in=uids).defer(*NEVER_NEEDED).order_by("pk")
    jobs = {job.pk: job for job in rows}
    steps, taken = Steps(now), Taken()
    for each in observed:
        job = jobs.get(each.uid)
        if job is not None and _is_believed(job, centre, each):
            own = mark(job.uid, job.run, job.lease, job.cancel_requested_at is not None)
            _take(job, each, steps)
            if job.state not in AT_CENTRE:
                taken.left.append(own)
    steps.write()
    taken.settled = {uid for uid in uids if uid not in jobs or jobs[uid].state in FINAL_STATES}
    return taken


def _written(name: str, job: Job) -> Any:
    value = getattr(job, name)
    return json.dumps(value, ensure_ascii=False) if name == "reasons" else value


def _is_believed(job: Job, centre: Centre, seen: Observed) -> bool:
    return (
        job.centre_id == centre.pk
        and (job.run, job.lease) == (seen.run, seen.lease)
        and job.state in AT_CENTRE
    )  # fmt: skip


def _take(job: Job, seen: Observed, steps: Steps) -> None:
    if seen.final:
        _take_end(job, seen, steps)
    elif seen.state == "running":
        if job.state != JobState.RUNNING:
            steps.take(job, JobState.RUNNING, started_at=seen.started_at, running_since=steps.now)
        elif seen.started_at and job.started_at != seen.started_at:
            steps.note(job, started_at=seen.started_at)
    elif seen.state == "queued" and job.state == JobState.PLACED:
        # a requeued run has begun once and may begin again unasked: it stays RUNNING here, never to be moved
        steps.take(job, JobState.QUEUED, _expected(seen), queued_at=steps.now, expected_start=seen.expected_start)


def _take_end(job: Job, seen: Observed, steps: Steps) -> None:
    if seen.state == "expired":
        steps.wait_again(job, seen.reason or "平台与中心失去联系时轮到这个作业，它没有开始")
        return
    state = _ENDS[seen.state]
    why = seen.reason or ("由提交方取消" if job.cancel_requested_at and state == JobState.CANCELLED else "")
    began = seen.started_at or job.started_at  # an end that an engine did not see may come without its beginning
    ended = max(seen.ended_at or steps.now, began or steps.now)
    end = {"started_at": began, "ended_at": ended, "exit_code": seen.exit_code}
    if state != JobState.FAILED or job.cancel_requested_at or not _may_be_tried_again(job):
        steps.end(job, state, why, **end)
        return
    code = f"，退出码 {seen.exit_code}" if seen.exit_code is not None else ""
    tried = f"第 {job.run + 1} 次运行失败{code}{f'（{why}）' if why else ''}"
    steps.events.append(
        JobEvent(
            job=job, at=steps.now, run=job.run, lease=job.lease, state=state, centre_id=job.centre_id, began_at=began,
            text=f"{tried}；将重试（最多 {job.retries} 次）",
        )
    )  # fmt: skip
    steps.wait_again(job, f"{tried}，等待重试")


def _may_be_tried_again(job: Job) -> bool:
    """Whether fewer runs than allowed have failed before this one; a run that never began is none of them."""
    failed = JobEvent.objects.filter(job=job, state=JobState.FAILED)
    return job.retries > 0 and failed.count() < job.retries


def _expected(seen: Observed) -> str:
    if seen.expected_start is None:
        return seen.reason
    at = f"中心的调度器预计 {seen.expected_start.astimezone(SHANGHAI):%m-%d %H:%M} 开始"
    return f"{at}；{seen.reason}" if seen.reason else at


# --- jobs that wait for other jobs


def follow(now: datetime, ended: Iterable[str] | None = None) -> int:
    """Let jobs go whose dependencies are done, and cancel those for whom one ended otherwise; theirs in turn, too.

    Must run inside a transaction. `ended` None looks at every job that waits so. Returns how many steps were taken.
    """
    taken = 0
    while True:
        waiting = Job.objects.filter(state=JobState.SUBMITTED)
        if ended is not None:
            waiting = waiting.filter(dependencies__after__in=list(ended))
            if not waiting.exists():
                return taken
        steps = _followers(waiting, now)
        if not steps.jobs:
            return taken
        taken += len(steps.jobs)
        steps.save()
        ended = steps.ended


def _followers(waiting: QuerySet[Job], now: datetime) -> Steps:
    steps = Steps(now)
    broken = Q(after__state__in=set(FINAL_STATES) - {JobState.DONE})
    dependencies = JobDependency.objects.filter(job=OuterRef("pk"))
    failed = dict(
        JobDependency.objects.filter(broken, job__in=waiting).order_by("after").values_list("job_id", "after_id")
    )
    ready = waiting.filter(~Exists(dependencies.exclude(after__state=JobState.DONE)))
    names = set(failed) | set(ready.values_list("pk", flat=True))
    for job in (
        Job.objects.select_for_update()
        .filter(pk__in=names, state=JobState.SUBMITTED)
        .order_by("pk")
        .defer(*NEVER_NEEDED)
    ):
        if job.pk in failed:
            steps.end(job, JobState.CANCELLED, f"它要等的作业 {failed[job.pk]} 没有成功")
        else:
            steps.take(job, JobState.WAITING, "要等的作业都已完成", reasons=[])
    return steps


# --- centres that fell silent


def move_from_silent(now: datetime) -> int:
    """Take waiting work away from centres that have said nothing for long; what runs there waits for its return.

    Only where runs wait at the gate (ability `lease`): what the platform was not told of has not begun. Must run
    inside a transaction. Returns how many jobs.
    """
    held = Q(centre__agent__last_seen_at__lt=now - MOVED_AFTER, centre__agent__capabilities__lease__0=True)
    waiting = Q(state__in=(JobState.PLACED, JobState.QUEUED))
    jobs = Job.objects.select_for_update(of=("self",)).filter(held & waiting).select_related("centre__agent")
    steps = Steps(now)
    for job in jobs.order_by("pk"):
        assert job.centre is not None  # the filter asks for its agent
        since = job.centre.agent.last_seen_at.astimezone(SHANGHAI)
        steps.wait_again(
            job, f"智算中心 {job.centre.code} 自 {since:%m-%d %H:%M:%S} 起失联，作业在那里没有开始，另行调度"
        )
    steps.write()
    return len(steps.jobs)
