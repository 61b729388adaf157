"""Jobs that a maintenance window meets: what has not begun is taken back in time, what runs is drained.

A job is placed only where its time limit ends before the next window. One that then waits in the centre's own queue for
long could still begin too late: it is taken back before it can, and placed anew. Running jobs are never interrupted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from huisuan.base.months import SHANGHAI
from huisuan.compute.centres.windows import CentreWindows, load_windows
from huisuan.compute.jobs.lifecycle import NEVER_NEEDED, Steps
from huisuan.compute.models import AT_CENTRE, Job, JobState, MaintenanceWindow

#: this is looked at once a minute: a job that is left alone may begin in the next one
_LOOKED_AT_EVERY = timedelta(seconds=60)
#: what the platform was not told of has not begun only where runs wait at the gate
_AT_GATE = Q(centre__agent__capabilities__lease__0=True)


@dataclass(frozen=True)
class MetJob:
    """A job at a centre whose time limit reaches into a window. `ends_by`: when it has ended in any case.

    `withdrawn`: it has not begun and is taken back; otherwise it runs, or its engine cannot hold it back.
    """

    job: Job
    ends_by: datetime
    withdrawn: bool


def jobs_met_by(windows: CentreWindows, centre: int, now: datetime) -> list[MetJob]:
    """The jobs now at a centre that may still run when one of these windows begins, the last to end first.

    They are locked until the transaction ends.
    """
    jobs = list(
        Job.objects.select_for_update(of=("self",))
        .filter(centre=centre, state__in=AT_CENTRE)
        .select_related("party")
        .defer(*NEVER_NEEDED)
        .order_by("pk")
    )
    gated = set(Job.objects.filter(_AT_GATE, centre=centre, state__in=AT_CENTRE).values_list("pk", flat=True))
    met = []
    for job in jobs:
        runs = job.state == JobState.RUNNING
        begins = (job.started_at or now) if runs else now + _LOOKED_AT_EVERY
        ends_by = max(begins + timedelta(seconds=job.time_limit_seconds), now)
        if windows.in_the_way(job.partition, now, ends_by) is not None:
            met.append(MetJob(job, ends_by, not runs and job.pk in gated))
    return sorted(met, key=lambda each: (each.withdrawn, -each.ends_by.timestamp(), each.job.pk))


def withdraw_from_maintenance(now: datetime, only: Mapping[int, CentreWindows] | None = None) -> int:
    """Take back the jobs that have not begun and would reach into a window; returns how many. Within a transaction.

    `only`: the windows by centre that are looked at; None: all that are not over.
    """
    steps = Steps(now)
    for centre, windows in (load_windows(now) if only is None else only).items():
        for met in jobs_met_by(windows, centre, now):
            window = windows.in_the_way(met.job.partition, now, met.ends_by)
            if met.withdrawn and window is not None:
                steps.wait_again(met.job, _why(window))
    steps.write()
    return len(steps.jobs)


def _why(window: MaintenanceWindow) -> str:
    starts, ends = (at.astimezone(SHANGHAI) for at in (window.starts_at, window.ends_at))
    return (
        f"智算中心 {window.centre.code} 定于 {starts:%Y-%m-%d %H:%M} 至 {ends:%Y-%m-%d %H:%M} 维护，"
        "作业在那里没有开始，时限会延伸到维护时段，另行调度"
    )
