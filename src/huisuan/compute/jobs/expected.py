"""When a job is expected to begin and to end, and since when it stands as it does; from its own fields alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from huisuan.compute.models import FINAL_STATES, Job, JobState
from huisuan.compute.placement.prediction import revised_estimate_s


@dataclass(frozen=True)
class JobTimes:
    """Since when a job is in its state, and its begin and end: as they were, or as `estimated` where they are to come.

    None: not known. An expected end is by the runs of like jobs, by the time limit where there were none.
    """

    since: datetime
    starts: datetime | None
    ends: datetime | None
    start_estimated: bool
    end_estimated: bool


def job_times(job: Job, now: datetime) -> JobTimes:
    """The times of a job as they are known now; an expected moment that has passed is no longer expected."""
    ended = job.state in FINAL_STATES
    start_estimated = job.started_at is None and not ended
    starts = job.started_at if not start_estimated else job.expected_start
    if start_estimated and starts is not None and starts < now:
        starts = now
    ends = job.ended_at if ended or starts is None else starts + timedelta(seconds=_lasts_s(job, starts, now))
    return JobTimes(_since(job), starts, ends, start_estimated, not ended)


def _since(job: Job) -> datetime:
    known = {
        JobState.PLACED: job.placed_at,
        JobState.QUEUED: job.queued_at or job.placed_at,
        JobState.RUNNING: job.started_at,
    }
    at = job.ended_at if job.state in FINAL_STATES else known.get(JobState(job.state))
    return at or job.submitted_at


def _lasts_s(job: Job, starts: datetime, now: datetime) -> int:
    if job.predicted_seconds is None:
        return job.time_limit_seconds
    ran_s = max(int((now - starts).total_seconds()), 0)
    return revised_estimate_s(job.predicted_seconds, ran_s, job.time_limit_seconds)
