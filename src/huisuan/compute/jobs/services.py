"""What changes a job from its user's side: submitting it, cancelling it. Each is one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.messages import why_never_affordable
from huisuan.compute.budgets.room import BudgetClaim, load_limits
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.dispatch.snapshot import evaluate_now, placement_request
from huisuan.compute.jobs.lifecycle import Steps
from huisuan.compute.jobs.queries import one, visible
from huisuan.compute.jobs.references import (
    centre_named,
    city_named,
    jobs_before,
    models_for,
    place_of_data,
    upload_named,
)
from huisuan.compute.jobs.workdirs.services import keep
from huisuan.compute.jobspec.core.request_rules import checked
from huisuan.compute.models import FINAL_STATES, Job, JobDependency, JobEvent, JobState
from huisuan.compute.placement.messages import why_never
from huisuan.parties.acting_party import resolve_acting_party
from huisuan.parties.projects import project_for_job
from huisuan.parties.viewer import Viewer
from huisuan.protocol.job_uid import RANDOM_BYTES, job_uid
from huisuan.protocol.resources import JobRequest

FARTHEST_DEADLINE = timedelta(days=366)
LAST_BEGINNING = 256**RANDOM_BYTES - 1_000_000  # of an array's uids: those that follow it still sort behind it
#: what the jobs of an array find their index under, besides HUISUAN_ARRAY_INDEX: the name their file's format gives it
INDEX_NAMES: Mapping[str, Mapping[str, str]] = {
    "sbatch": {
        "SLURM_ARRAY_JOB_ID": "array",
        "SLURM_ARRAY_TASK_ID": "index",
        "SLURM_ARRAY_TASK_COUNT": "count",
        "SLURM_ARRAY_TASK_MIN": "first",
        "SLURM_ARRAY_TASK_MAX": "last",
    },
    "kubernetes": {"JOB_COMPLETION_INDEX": "index"},
}


@transaction.atomic
def submit_job(
    asked: JobRequest, viewer: Viewer, now: datetime, randomness: bytes, key: str = "", *, session_kind: str = ""
) -> Job:
    """Take a job, or one for each index of an array, and place what there is room for; the (first) job.

    `randomness` (10 bytes) makes its uid unique. The uids of an array follow one another; the first is its name.
    `key`: the same request with the same key is one submission, however often it is sent; the job of the first time.

    Raises:
        Refused: it has not the form of a job, names something unknown, or nobody could ever run it.
    """
    asked = checked(asked)
    job = unsaved_job(asked, viewer, now)
    job.session_kind = session_kind
    if key:
        job.submission = _submission(key, asked, job)
        if sent_before := _sent_before(job):
            return visible(viewer).get(pk=sent_before.pk)
    if job.workdir is not None:
        keep(job.workdir)
    before = jobs_before(asked.after, job.party, viewer, max(len(asked.array), 1))
    _someone_can(job, now)
    job.state = JobState.SUBMITTED if before else JobState.WAITING
    job.reasons = [_waits_for(before)] if before else []
    jobs = _each(job, asked, now, randomness)
    Job.objects.bulk_create(jobs, batch_size=500)
    links = [JobDependency(job=each, after=other) for each in jobs for other in before]
    JobDependency.objects.bulk_create(links, batch_size=2000)
    text = f"由 {job.submitted_by} 提交"
    JobEvent.objects.bulk_create(
        [JobEvent(job=each, at=now, run=0, lease=0, state=each.state, text=text) for each in jobs], batch_size=2000
    )
    place_waiting(now)
    return visible(viewer).get(pk=jobs[0].pk)


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
        raise Conflict(f"作业 {uid} 已经结束（{job.get_state_display()}），不能再取消", code="job.already_ended")
    cancel_jobs([job], viewer.name, now)
    return job


@transaction.atomic
def cancel_array(uid: str, viewer: Viewer, now: datetime) -> list[Job]:
    """Ask for all jobs of an array that are not over to end; the array is named by any of its jobs. Those asked to.

    Raises:
        Refused: it is no array's.
        Job.DoesNotExist: there is none that the viewer may see.
    """
    named = one(viewer, uid)
    if not named.array_uid:
        raise InvalidRequest(f"作业 {uid} 不属于阵列：请去掉 --array", code="job.not_in_an_array")
    jobs = visible(viewer).filter(array_uid=named.array_uid).exclude(state__in=FINAL_STATES).order_by("pk")
    asked = list(jobs.select_for_update(of=("self",)))
    cancel_jobs(asked, viewer.name, now)
    return asked


def unsaved_job(asked: JobRequest, viewer: Viewer, now: datetime) -> Job:
    """The job as it is asked for, everything it names looked up; neither uid nor state yet.

    Raises:
        Refused: it has not the form of a job, or names something unknown.
    """
    asked = checked(asked)
    if asked.deadline and not now < asked.deadline <= now + FARTHEST_DEADLINE:
        shown = asked.deadline.astimezone(SHANGHAI)
        raise InvalidRequest(
            f"截止时间 {shown:%Y-%m-%d %H:%M:%S}：应在现在之后、一年之内", code="job.deadline_out_of_bounds"
        )
    party = resolve_acting_party(asked.party, viewer)
    models, vendor = models_for(asked)
    centre, city = centre_named(asked.centre), city_named(asked.city)
    if centre and city and centre.region_id != city.pk:
        raise InvalidRequest(
            f"智算中心 {centre.code} 不在{city.name_zh}：centre 与 city 只能写能同时满足的",
            code="job.centre_not_in_city",
        )
    data_centre, data_city = place_of_data(asked.data_at)
    return Job(
        party=party,
        project=project_for_job(asked.project, party, viewer, now),
        submitted_by=viewer.name[:80],
        name=asked.name,
        command=asked.command,
        script=asked.script,
        image=asked.image,
        workdir=upload_named(asked.workdir, party, viewer),
        outputs=asked.outputs,
        cards=asked.devices,
        nodes=asked.nodes,
        takes_slots=asked.cards is None,
        card_models=models,
        vendor=vendor,
        min_memory_gib=asked.min_memory_gib,
        min_tflops_fp16=asked.min_tflops_fp16,
        wanted_centre=centre,
        wanted_city=city,
        data_centre=data_centre,
        data_city=data_city,
        price_ceiling_fen=asked.price_ceiling_fen,
        deadline=asked.deadline,
        time_limit_seconds=asked.time_limit_seconds,
        retries=asked.retries,
        notify_url=asked.notify_url,
        source_format=asked.source_format,
        notes=asked.notes,
        submitted_at=now,
    )


def _someone_can(job: Job, now: datetime) -> None:
    """Refuse a job that no centre could run even if it were empty, or that costs more than a whole budget anywhere.

    Raises:
        Refused: with the reason.
    """
    evaluation = evaluate_now(placement_request(job, now), job.party, now)
    if not evaluation.possible:
        raise InvalidRequest(why_never(evaluation.needs, evaluation.rejected).text, code="job.never_placeable")
    room = load_limits(now, job.party_id)
    if room.limits(job.party_id, job.project_id):
        claim = BudgetClaim(job.party_id, job.project_id, job.cards * job.time_limit_seconds)
        shortage = room.shortage(claim, evaluation.possible_pools, of_limit=True)
        if shortage is not None and shortage.cost is not None:
            raise InvalidRequest(why_never_affordable(shortage), code="budget.job_never_fits")


def _submission(key: str, asked: JobRequest, job: Job) -> str:
    """What names a submission: its key and all that makes it another one, what it says and where it belongs.

    The project and the kind of session do not stand in every request: a token's project is taken where none is named.
    """
    parts = (key, job.project_id, job.session_kind, asked.model_dump_json())
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def _sent_before(job: Job) -> Job | None:
    """The job that this submission became the first time; a second one under way at the same moment waits here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [job.submission])
    return Job.objects.filter(party=job.party, submission=job.submission).first()


def _each(job: Job, asked: JobRequest, now: datetime, randomness: bytes) -> list[Job]:
    """The job itself with its uid, or one for each index of the array, alike but for index and uid."""
    if not asked.array:
        job.uid, job.environment = job_uid(now, randomness), asked.environment
        return [job]
    first = int.from_bytes(randomness) % LAST_BEGINNING
    array_uid = job_uid(now, first.to_bytes(RANDOM_BYTES))
    values = {name: getattr(job, name) for name in (field.attname for field in Job._meta.concrete_fields)}
    jobs = []
    for place_in_array, index in enumerate(asked.array):
        own = {
            "uid": job_uid(now, (first + place_in_array).to_bytes(RANDOM_BYTES)),
            "array_uid": array_uid,
            "array_index": index,
            "environment": {**asked.environment, **_told(index, array_uid, asked)},
            "submission": "" if place_in_array else job.submission,
        }
        jobs.append(Job(**{**values, **own}))
    return jobs


def _told(index: int, array_uid: str, asked: JobRequest) -> dict[str, str]:
    """The environment by which a job of an array knows which it is."""
    array = asked.array
    facts = {"array": array_uid, "index": index, "count": len(array), "first": array[0], "last": array[-1]}
    ours = {"HUISUAN_ARRAY": array_uid, "HUISUAN_ARRAY_INDEX": str(index), "HUISUAN_ARRAY_COUNT": str(len(array))}
    return ours | {name: str(facts[fact]) for name, fact in INDEX_NAMES.get(asked.source_format, {}).items()}


def _waits_for(before: Sequence[Job]) -> str:
    shown = "、".join(job.pk for job in before[:3])
    return f"等待作业 {shown}{f' 等 {len(before)} 个' if len(before) > 3 else ''} 完成"


def cancel_jobs(jobs: Sequence[Job], who: str, now: datetime) -> None:
    """Ask for locked jobs that are not over to end, in the caller's transaction.

    End those that no centre has yet, and those that wait for them; of the others note that they are to end.
    """
    unasked = [job for job in jobs if job.cancel_requested_at is None]
    Job.objects.filter(pk__in=[job.pk for job in unasked]).update(cancel_requested_at=now)
    steps = Steps(now)
    for job in jobs:
        job.cancel_requested_at = job.cancel_requested_at or now
        if job.state in (JobState.SUBMITTED, JobState.WAITING):
            steps.end(job, JobState.CANCELLED, f"调度之前由 {who} 取消")
    steps.write()
