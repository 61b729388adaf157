"""Reading jobs: which a viewer may see, their representation, their events and output."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet

from huisuan.base.errors import InvalidRequest
from huisuan.compute.centres.online import is_online
from huisuan.compute.centres.queries import format_decimal
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.models import FINAL_STATES, Centre, Job, JobEvent, JobLog, JobState
from huisuan.compute.models.functions import Bytes
from huisuan.parties.viewer import Viewer
from huisuan.protocol import resources as wire

_MOST_AT_ONCE = 500
LOG_BYTES = 1024 * 1024  # in one answer
LARGEST_OFFSET = 2**62


def visible(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that the viewer may see: a user its party's, a centre those placed with it, a city its own, or all.

    A token that is bound to a project sees that project's.
    """
    jobs = Job.objects.filter(viewer.usage()).select_related(
        "party",
        "project",
        "accelerator",
        "centre",
        "wanted_centre",
        "wanted_city",
        "data_centre",
        "data_city",
        "workdir",
    )
    if viewer.project_id is not None:
        jobs = jobs.filter(project=viewer.project_id)
    return jobs.defer("workdir__content")  # up to 200 MiB that no reader of jobs wants


def one(viewer: Viewer, uid: str) -> Job:
    """One job that the viewer may see.

    Raises:
        Job.DoesNotExist: there is none.
    """
    if not uid.isalnum():  # a NUL, say, which the database refuses to look for
        raise Job.DoesNotExist
    return visible(viewer).get(pk=uid)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs to list; None: all. `array` is the uid of an array's first job, `name` a part of the job's name.

    `model` is what a job was given; it was submitted in [since, until).
    """

    state: str | None = None
    array: str | None = None
    name: str | None = None
    centre: str | None = None
    party: str | None = None
    project: str | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def finds_all(self) -> bool:
        """Whether it leaves nothing out, as one of empty words does: who cancels by a filter must have said which."""
        return not (self._states or self._wanted or self.since or self.until)

    @property
    def _states(self) -> list[str]:
        return [state for state in (self.state or "").split(",") if state.strip()]

    @property
    def _wanted(self) -> dict[str, str]:
        given = {
            "array_uid": self.array,
            "name__icontains": self.name,
            "centre__code__iexact": self.centre,
            "party__uscc": self.party,
            "project__code": self.project,
            "accelerator__model": self.model,
        }
        return {field: text for field, text in given.items() if text and text.strip()}

    def apply(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        """The jobs that pass the filter.

        Raises:
            InvalidRequest: there is no such state.
        """
        states, wanted = self._states, self._wanted
        if unknown := [state for state in states if state not in JobState.values]:
            raise InvalidRequest(
                f"状态 {'、'.join(unknown)}：只能是 {'、'.join(JobState.values)}", code="job.state_unknown"
            )
        if states:
            jobs = jobs.filter(state__in=states)
        if any("\0" in text for text in wanted.values()):
            return jobs.none()  # the database refuses to look for it
        times = {"submitted_at__gte": self.since, "submitted_at__lt": self.until}
        return jobs.filter(**wanted, **{field: at for field, at in times.items() if at is not None})


def page(viewer: Viewer, only: JobFilter, limit: int, before: str | None) -> wire.JobPage:
    """Some jobs, newest first; `before` is the `next` of the page before.

    Raises:
        InvalidRequest: no such state, or too many at once.
    """
    if not 1 <= limit <= _MOST_AT_ONCE:
        raise InvalidRequest(f"limit {limit}：应在 1 至 {_MOST_AT_ONCE} 之间", code="page.limit_out_of_bounds")
    if before and not before.isalnum():
        raise InvalidRequest("before：应是上一页给出的 next", code="page.cursor_unknown")
    jobs = only.apply(visible(viewer)).prefetch_related("dependencies").order_by("-uid")
    if before:
        jobs = jobs.filter(uid__lt=before)
    found = list(jobs[: limit + 1])
    return wire.JobPage(
        items=[job_to_wire(job) for job in found[:limit]], next=found[limit - 1].uid if len(found) > limit else None
    )


def job_to_wire(job: Job) -> wire.Job:
    """A job as its readers see it; of its environment only the names, for values may be secrets."""
    return wire.Job(
        uid=job.uid,
        name=job.name,
        party=job.party.uscc,
        party_name=job.party.name,
        project=job.project.code,
        submitted_by=job.submitted_by,
        array_uid=job.array_uid,
        array_index=job.array_index,
        **_workload(job),
        **_requirements(job),
        **_progress(job),
        reasons=job.reasons,
        notes=job.notes,
        source_format=job.source_format,
    )


def _workload(job: Job) -> dict[str, Any]:
    return {
        "command": job.command,
        "script": job.script,
        "image": job.image,
        "environment": sorted(job.environment),
        "workdir": job.workdir.sha256 if job.workdir else None,
        "outputs": job.outputs,
        "time_limit_seconds": job.time_limit_seconds,
        "retries": job.retries,
        "after": sorted(link.after_id for link in job.dependencies.all()),
        "deadline": job.deadline,
    }


def _requirements(job: Job) -> dict[str, Any]:
    data_at = job.data_centre.code if job.data_centre else job.data_city.name_zh if job.data_city else None
    return {
        "cards": job.cards,
        "nodes": job.nodes,
        "models": job.card_models,
        "vendor": job.vendor,
        "min_memory_gib": job.min_memory_gib,
        "min_tflops_fp16": format_decimal(job.min_tflops_fp16),
        "price_ceiling_fen": job.price_ceiling_fen,
        "wanted_centre": job.wanted_centre.code if job.wanted_centre else None,
        "wanted_city": job.wanted_city.name_zh if job.wanted_city else None,
        "data_at": data_at,
    }


def _progress(job: Job) -> dict[str, Any]:
    return {
        "state": JobState(job.state).value,
        "run": job.run,
        "centre": job.centre.code if job.centre else None,
        "model": job.accelerator.model if job.accelerator else None,
        "fen_per_card_hour": job.fen_per_card_hour,
        "submitted_at": job.submitted_at,
        "placed_at": job.placed_at,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "cancel_requested_at": job.cancel_requested_at,
        "exit_code": job.exit_code,
    }


def array(viewer: Viewer, job: Job) -> wire.ArrayInfo:
    """How many jobs of the job's array are in which state.

    Raises:
        InvalidRequest: it belongs to none.
    """
    if not job.array_uid:
        raise InvalidRequest(f"作业 {job.uid} 不属于阵列", code="job.not_in_an_array")
    rows = visible(viewer).filter(array_uid=job.array_uid).order_by().values_list("state").annotate(count=Count("pk"))
    states = {JobState(state).value: count for state, count in rows}
    ordered = {state: states[state] for state in JobState.values if state in states}
    return wire.ArrayInfo.model_validate({"uid": job.array_uid, "count": sum(states.values()), "states": ordered})


def events(job: Job) -> list[wire.JobEvent]:
    """The steps of a job's life, in order; whether its webhook took them, where it has one."""
    return [
        wire.JobEvent(
            id=event.pk,
            at=event.at,
            run=event.run,
            state=JobState(event.state).value,
            centre=event.centre.code if event.centre else None,
            text=event.text,
            tries=event.tries,
            notified_at=event.notified_at,
        )
        for event in JobEvent.objects.filter(job=job).select_related("centre").order_by("id")
    ]


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
    """The job's output from an offset in bytes on, at most a mebibyte of it.

    Raises:
        InvalidRequest: a negative offset.
    """
    if offset < 0:
        raise InvalidRequest(f"offset {offset}：不能为负", code="page.offset_negative")
    # read the state first: what a job wrote has arrived before its end has
    final = job.state in FINAL_STATES
    offset = min(offset, LARGEST_OFFSET)
    pieces = JobLog.objects.filter(job=job).order_by("offset")
    # start from the piece that holds the offset: a log of a gigabyte is not measured piece by piece for each answer
    first = pieces.filter(offset__lte=offset).order_by("-offset").values_list("offset", flat=True).first()
    text, place = bytearray(), offset
    for piece in pieces.filter(offset__gte=first or 0).iterator(chunk_size=16):
        content = bytes(piece.content)
        if piece.offset + len(content) <= place:
            continue
        text += content[place - piece.offset :][: LOG_BYTES - len(text)]
        place = offset + len(text)
        if len(text) >= LOG_BYTES:
            break
    return wire.LogPiece(text=bytes(text), next_offset=place, complete=final and place >= log_end(job.uid))


def list_centre_cards(now: datetime) -> list[wire.CentreInfo]:
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
