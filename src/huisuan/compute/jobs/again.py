"""Submitting again: a job as the request that it was, and the templates that a firm keeps of such requests.

Values of the environment stay on the platform: they are copied from job to template to job and shown to nobody.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.text_length import shortened
from huisuan.compute.jobs.queries import one
from huisuan.compute.jobs.services import INDEX_NAMES, submit_job, unsaved_job
from huisuan.compute.jobspec.core.request_rules import checked
from huisuan.compute.models import FINAL_STATES, Job, JobState, JobTemplate
from huisuan.parties.viewer import Viewer
from huisuan.protocol.job_desk import TemplateInfo
from huisuan.protocol.resources import JobRequest

MOST_TEMPLATES = 200  # of one firm
_OURS = ("HUISUAN_ARRAY", "HUISUAN_ARRAY_INDEX", "HUISUAN_ARRAY_COUNT")


def request_of(job: Job, now: datetime) -> JobRequest:
    """The request that a job came from; of an array's job, that job alone.

    A deadline that has passed is left out, and so are jobs to wait for that did not succeed: it could not run so.

    Raises:
        InvalidRequest: it was an interactive session, which is begun by its own command.
    """
    if job.session_kind:
        raise InvalidRequest("交互会话不能照作业再提交：请用 huisuan session 新开一个", code="job.is_a_session")
    told = {*_OURS, *INDEX_NAMES.get(job.source_format, {})} if job.array_uid else set()
    failed = set(FINAL_STATES) - {JobState.DONE}
    after = job.dependencies.exclude(after__state__in=failed).order_by("after").values_list("after", flat=True)
    values: dict[str, Any] = {
        "command": job.command, "script": job.script, "image": job.image, "name": job.name,
        "environment": {name: value for name, value in job.environment.items() if name not in told},
        "workdir": job.workdir.sha256 if job.workdir else None, "outputs": job.outputs,
        "cards": None if job.takes_slots else job.cards, "nodes": job.nodes, "models": job.card_models,
        "vendor": job.vendor or None, "min_memory_gib": job.min_memory_gib, "min_tflops_fp16": job.min_tflops_fp16,
        "centre": job.wanted_centre.code if job.wanted_centre else None, "city": job.wanted_city_id,
        "data_at": job.data_centre.code if job.data_centre else job.data_city_id,
        "price_ceiling_fen": job.price_ceiling_fen,
        "deadline": job.deadline if job.deadline and job.deadline > now else None,
        "time_limit_seconds": job.time_limit_seconds, "retries": job.retries, "notify_url": job.notify_url,
        "array": [job.array_index] if job.array_uid else [], "after": list(after),
        "source_format": job.source_format, "notes": job.notes,
        "project": job.project.code if job.project else None,
    }  # fmt: skip
    return JobRequest.model_validate(values)


def resubmit(uid: str, viewer: Viewer, now: datetime, randomness: bytes, key: str = "") -> Job:
    """Submit a job again as it was; the new job. `key`: sent again with the same one, it is the same new job.

    Raises:
        Refused: what it asked for cannot be had any more. Job.DoesNotExist: the viewer sees no such job.
    """
    job = one(viewer, uid)
    asked = request_of(job, now)
    if viewer.role == "province":
        asked = asked.model_copy(update={"party": job.party.uscc})
    return submit_job(asked, viewer, now, randomness, key)


def templates(viewer: Viewer) -> QuerySet[JobTemplate]:
    """The templates of the viewer's firm."""
    own = JobTemplate.objects.filter(party=viewer.party_id)
    return own.order_by("name") if viewer.role == "user" else own.none()


def template_named(name: str, viewer: Viewer) -> JobTemplate:
    """The firm's template of that name.

    Raises:
        NotFound: it has none.
    """
    found = None if "\0" in name else templates(viewer).filter(name=name).first()
    if found is None:
        raise NotFound(f'没有名为 "{name}" 的模板：huisuan job template list 查看', code="template.unknown")
    return found


@transaction.atomic
def save_template(name: str, asked: JobRequest, viewer: Viewer, now: datetime) -> JobTemplate:
    """Keep a request under a name; one of that name is replaced.

    Raises:
        Refused: the name will not do, or the request could not be submitted; too many templates.
    """
    name = name.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise InvalidRequest(f"模板名 {shortened(name, 70)!r}：应是 1 至 60 个可见字符", code="template.name_malformed")
    asked = checked(asked).model_copy(update={"deadline": None, "after": []})
    job = unsaved_job(asked, viewer, now)  # refuses what names nothing that there is
    if JobTemplate.objects.filter(party=job.party).exclude(name=name).count() >= MOST_TEMPLATES:
        raise InvalidRequest(f"已有 {MOST_TEMPLATES} 个模板：请先删除不用的", code="template.too_many")
    kept, _new = JobTemplate.objects.update_or_create(
        party=job.party,
        name=name,
        defaults={"request": asked.model_dump(mode="json"), "made_by": viewer.name[:80], "made_at": now},
    )
    return kept


def template_to_wire(template: JobTemplate) -> TemplateInfo:
    """A template as its readers see it: of the environment only the names."""
    asked = JobRequest.model_validate(template.request)
    shown = asked.model_copy(update={"environment": dict.fromkeys(sorted(asked.environment), "")})
    return TemplateInfo(name=template.name, made_by=template.made_by, made_at=template.made_at, request=shown)
