"""What the worker does for itself: jobs that a dead worker left as running are taken up again or ended.

Registered by the setting PROCRASTINATE_IMPORT_PATHS: this room is no Django application.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from asgiref.sync import sync_to_async
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job, Status

from huisuan.compute.metering.imports.requests import IMPORTS
from huisuan.compute.metering.seals.requests import SEALINGS
from huisuan.opendata.gate.scan_work import SCAN_WORK
from huisuan.serving import disk
from huisuan.settlement.impact.register_requests import REGISTER_FILE_WORK
from huisuan.settlement.impact.requests import COMPARISON_WORK
from huisuan.settlement.runs.requests import SETTLEMENTS
from huisuan.settlement.scenarios.requests import BUDGETS

_MAX_ATTEMPTS = 3
_ROWS_KEPT_HOURS = 30 * 24  # of jobs that failed

log = logging.getLogger(__name__)


@app.periodic(cron="* * * * * */10")
@app.task(name="serving.look_after_tasks", queueing_lock="serving.look_after_tasks", pass_context=True)
async def look_after_tasks(context: JobContext, timestamp: int) -> None:
    """Every ten seconds: what a worker that died was doing goes on, or ends with a reason."""
    await take_up_stalled(context)
    now = datetime.now(UTC)
    for kind in (SETTLEMENTS, SEALINGS, IMPORTS, COMPARISON_WORK, BUDGETS, REGISTER_FILE_WORK, SCAN_WORK):
        await sync_to_async(kind.recover)(now)


@app.periodic(cron="43 3 * * *")
@app.task(name="serving.forget_old_tasks", queueing_lock="serving.forget_old_tasks", pass_context=True)
async def forget_old_tasks(context: JobContext, timestamp: int) -> None:
    """Every night: rows of jobs that ended a month ago, however they ended."""
    await context.app.job_manager.delete_old_jobs(
        _ROWS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )


@app.periodic(cron="23 * * * *")
@app.task(name="serving.tidy_disk", queueing_lock="serving.tidy_disk")
def tidy_disk(timestamp: int) -> None:
    """Every hour: what killed processes left half-written."""
    for name in disk.remove_leftovers():
        log.warning("removed a file that was left half-written: %s", name)


async def take_up_stalled(context: JobContext) -> None:
    """Take up the jobs of workers without a heartbeat.

    A periodic one is only ended: its next tick does the whole work, and an old tick would do it at an old time.
    """
    periodic = {name for name, _ in context.app.periodic_registry.periodic_tasks}
    for job in await context.app.job_manager.get_stalled_jobs():
        again = job.task_name not in periodic and job.attempts + 1 < _MAX_ATTEMPTS
        if not (again and await _retried(context, job)):
            await context.app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        log.warning("%s %s: its worker died; %s", job.task_name, job.id, "taken up again" if again else "ended")


async def _retried(context: JobContext, job: Job) -> bool:
    try:
        await context.app.job_manager.retry_job(job)
    except UniqueViolation:  # the same is queued already
        return False
    return True
