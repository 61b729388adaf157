"""The desired state of a centre, sent as briefly as what the agent holds allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F, Max, QuerySet

from huisuan.compute.models import AT_CENTRE, Centre, Job, JobLog, JobState
from huisuan.compute.models.functions import Bytes
from huisuan.protocol import agent as wire
from huisuan.protocol.run_set import digest, mark

#: the digest of the runs wanted (protocol.run_set), whether work waits anywhere, whether a seal waits for a signature,
#: whether a restore waits to be released, whether somebody asks for files, whether a self-check is wanted
CENTRE_DIGEST = """
    SELECT
        (SELECT bit_xor(('x' || encode(sha256(convert_to(
            uid || ' ' || run || ' ' || lease || CASE WHEN cancel_requested_at IS NULL THEN '' ELSE ' x' END,
            'UTF8')), 'hex'))::bit(256))::text
        FROM compute_job WHERE centre_id = %(centre)s AND state IN ('placed', 'queued', 'running')),
        EXISTS (SELECT 1 FROM compute_job WHERE state = 'waiting'),
        EXISTS (
            SELECT 1 FROM compute_seal s WHERE s.centre_id = %(centre)s
            AND NOT EXISTS (SELECT 1 FROM compute_sealsignature g WHERE g.seal_id = s.id)
        ),
        EXISTS (SELECT 1 FROM compute_restoration WHERE released_at IS NULL),
        EXISTS (SELECT 1 FROM compute_filerequest WHERE centre_id = %(centre)s AND answered_at IS NULL),
        EXISTS (
            SELECT 1 FROM compute_siteagent WHERE centre_id = %(centre)s
            AND (health_at IS NULL OR health_at < %(stale)s OR health_asked_at > health_at)
        )
"""
HEALTH_HOLDS = timedelta(hours=1)  # how long a self-check counts before another is wanted


@dataclass(frozen=True)
class CentreDigest:
    """The digest of the runs wanted at a centre, and whether there is more to do."""

    wanted: str
    work_waits: bool
    seal_waits: bool
    behind: bool
    files_asked: bool
    health_wanted: bool


def load_centre_digest(centre: Centre, now: datetime) -> CentreDigest:
    """One query for everything that a quiet exchange needs."""
    with connection.cursor() as cursor:
        cursor.execute(CENTRE_DIGEST, {"centre": centre.pk, "stale": now - HEALTH_HOLDS})
        bits, *rest = cursor.fetchone()
    return CentreDigest(f"{int(bits or '0', 2):064x}", *rest)


@dataclass(frozen=True)
class DesiredStateUpdate:
    """How the desired runs are sent: nothing new (both None), those that the agent lacks, or all of them."""

    added: list[wire.DesiredJob] | None = None
    desired: list[wire.DesiredJob] | None = None


def desired_state_update(centre: Centre, held: str | None, left: Iterable[int], wanted: str) -> DesiredStateUpdate:
    """The update for an agent that holds `held`; `left` are the marks of runs whose end it reported just now.

    Where what it holds, without those, is what is wanted, or lacks only the runs not reported by anyone yet, the
    digest proves it. Else everything is sent.
    """
    known = held and digest(left, held)
    if known == wanted:
        return DesiredStateUpdate()
    if known:
        fresh = list(_jobs(centre).filter(state=JobState.PLACED))
        if digest((mark_of(job) for job in fresh), known) == wanted:
            return DesiredStateUpdate(added=_desired(centre, fresh))
    return DesiredStateUpdate(desired=_desired(centre, list(_jobs(centre))))


def mark_of(job: Job) -> int:
    """A job's present run in the digest of what is wanted."""
    return mark(job.uid, job.run, job.lease, job.cancel_requested_at is not None)


def stored_log_ends(uids: Iterable[str]) -> dict[str, int]:
    """Bytes of output that are here, by job."""
    asked = list(uids)
    rows = JobLog.objects.filter(job__in=asked).values("job").annotate(end=Max(F("offset") + Bytes("content")))
    return dict.fromkeys(asked, 0) | {row["job"]: row["end"] for row in rows}


def _jobs(centre: Centre) -> QuerySet[Job]:
    jobs = Job.objects.filter(centre=centre, state__in=AT_CENTRE).select_related("accelerator", "workdir")
    return jobs.defer("workdir__content").order_by("placed_at", "uid")


def _desired(centre: Centre, jobs: Sequence[Job]) -> list[wire.DesiredJob]:
    again = stored_log_ends([job.uid for job in jobs if job.run])
    local = {
        (partition.name, partition.accelerator_id): partition.local_names[0]
        for partition in centre.partitions.all()
        if partition.local_names
    }
    return [
        wire.DesiredJob(
            uid=job.uid,
            run=job.run,
            lease=job.lease,
            command=job.command,
            script=job.script,
            image=job.image,
            environment=job.environment,
            workdir=job.workdir.sha256 if job.workdir else None,
            outputs=job.outputs,
            cards=job.cards,
            nodes=job.nodes,
            model=job.accelerator.model if job.accelerator else "",
            partition=job.partition,
            local_card=local.get((job.partition, job.accelerator_id or 0), ""),
            time_limit_seconds=job.time_limit_seconds,
            state=JobState(job.state).value,
            cancel=job.cancel_requested_at is not None,
            log_base=again.get(job.uid, 0),
            session=job.session_kind != "",
        )
        for job in jobs
    ]
