"""What reads jobs: who sees which, how they are shown, what they wrote."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Func, IntegerField, QuerySet

from huisuan.client import wire
from huisuan.compute.dispatch import is_online, pools
from huisuan.compute.models import FINAL_STATES, Centre, Job, JobLog, JobState
from huisuan.console import Refused
from huisuan.parties.access import Viewer

MOST_AT_ONCE = 500
LOG_BYTES = 1024 * 1024  # in one answer


class Bytes(Func):
    """Length of a piece in bytes."""

    function = "octet_length"
    output_field = IntegerField()


def visible(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that the viewer may see: a user its party's, a centre those placed with it, a city its own, or all."""
    return Job.objects.filter(viewer.usage()).select_related("party", "accelerator", "centre", "wanted_centre")


def one(viewer: Viewer, uid: str) -> Job:
    """One job that the viewer may see.

    Raises:
        Job.DoesNotExist: there is none.
    """
    if not uid.isalnum():  # a NUL, say, which the database refuses to look for
        raise Job.DoesNotExist
    return visible(viewer).get(pk=uid)


def page(viewer: Viewer, state: str | None, limit: int, before: str | None) -> wire.JobPage:
    """Some jobs, newest first; `before` is the `next` of the page before.

    Raises:
        Refused: no such state, or too many at once.
    """
    if not 1 <= limit <= MOST_AT_ONCE:
        raise Refused(f"limit {limit}：应在 1 至 {MOST_AT_ONCE} 之间")
    jobs = visible(viewer).order_by("-uid")
    if state:
        if state not in JobState.values:
            raise Refused(f"状态 {state}：只能是 {'、'.join(JobState.values)}")
        jobs = jobs.filter(state=state)
    if before and not before.isalnum():
        raise Refused("before：应是上一页给出的 next")
    if before:
        jobs = jobs.filter(uid__lt=before)
    found = list(jobs[: limit + 1])
    return wire.JobPage(
        items=[shown(job) for job in found[:limit]], next=found[limit - 1].uid if len(found) > limit else None
    )


def shown(job: Job) -> wire.Job:
    """A job as its readers see it; of its environment only the names, for values may be secrets."""
    return wire.Job(
        uid=job.uid,
        name=job.name,
        party=job.party.uscc,
        party_name=job.party.name,
        submitted_by=job.submitted_by,
        command=job.command,
        environment=sorted(job.environment),
        cards=job.cards,
        model=job.accelerator.model if job.accelerator else None,
        time_limit_seconds=job.time_limit_seconds,
        centre=job.centre.code if job.centre else None,
        wanted_centre=job.wanted_centre.code if job.wanted_centre else None,
        reasons=job.reasons,
        state=JobState(job.state).value,
        submitted_at=job.submitted_at,
        placed_at=job.placed_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        cancel_requested_at=job.cancel_requested_at,
        exit_code=job.exit_code,
    )


def log_end(uid: str) -> int:
    """Bytes of the job's output that have arrived."""
    last = (
        JobLog.objects.filter(job=uid)
        .annotate(end=F("offset") + Bytes("content"))
        .order_by("-offset")
        .values_list("end", flat=True)
        .first()
    )
    return last or 0


def log_piece(job: Job, offset: int) -> wire.LogPiece:
    """The job's output from an offset in bytes on.

    Raises:
        Refused: a negative offset.
    """
    if offset < 0:
        raise Refused(f"offset {offset}：不能为负")
    # read the state first: what a job wrote has arrived before its end has
    final = job.state in FINAL_STATES
    pieces = (
        JobLog.objects.filter(job=job)
        .annotate(end=F("offset") + Bytes("content"))
        .filter(end__gt=offset)
        .order_by("offset")
    )
    text, place = bytearray(), offset
    for piece in pieces.iterator(chunk_size=8):
        text += bytes(piece.content)[place - piece.offset :]
        place = offset + len(text)
        if len(text) >= LOG_BYTES:
            break
    return wire.LogPiece(text=bytes(text), next_offset=place, complete=final and place >= log_end(job.uid))


def centres(now: datetime) -> list[wire.CentreInfo]:
    """Every centre with its cards: what is there, what is free, what it costs today."""
    by_centre: dict[str, list[wire.CardPool]] = {}
    for pool in pools(now):
        by_centre.setdefault(pool.centre, []).append(
            wire.CardPool(
                model=pool.model,
                cards=pool.cards,
                free=max(pool.free, 0),
                fen_per_card_hour=pool.fen_per_card_hour,
            )
        )
    return [
        wire.CentreInfo(
            code=centre.code,
            name=centre.name,
            city=centre.region.name_zh,
            engine=centre.engine,
            online=is_online(centre, now),
            capacity_p=str(centre.capacity_p),
            pools=by_centre.get(centre.code, []),
        )
        for centre in Centre.objects.select_related("region", "agent").prefetch_related("partitions__accelerator")
    ]
