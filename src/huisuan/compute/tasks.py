"""What the worker does for this room in the background."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from procrastinate.contrib.django import app

from huisuan.compute.models import Job, JobState
from huisuan.console import SHANGHAI

SILENT = timedelta(minutes=2)


@app.periodic(cron="* * * * *")
@app.task(name="compute.note_silent_agents")
def note_silent_agents(timestamp: int) -> None:
    """Every minute: jobs whose centre's agent says nothing any more learn so, for their owners to read."""
    note_silence(datetime.fromtimestamp(timestamp, UTC))


@transaction.atomic
def note_silence(now: datetime) -> int:
    """Write on each job at a silent centre since when; once for each silence. Returns how many jobs."""
    jobs = Job.objects.select_for_update(of=("self",)).filter(
        state__in=[JobState.PLACED, JobState.RUNNING], centre__agent__last_seen_at__lt=now - SILENT
    )
    noted = 0
    for job in jobs.select_related("centre__agent"):
        assert job.centre is not None  # the filter asks for its agent
        since = job.centre.agent.last_seen_at.astimezone(SHANGHAI)
        reason = f"站点代理自 {since:%Y-%m-%d %H:%M:%S} 起没有回音，以上状态可能已经过时"
        if reason not in job.reasons:
            job.reasons = [*job.reasons, reason]
            job.save(update_fields=["reasons"])
            noted += 1
    return noted
