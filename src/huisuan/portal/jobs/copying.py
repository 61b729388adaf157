"""A new form that begins as a copy: of a job, of a template, with a working directory that was uploaded before.

The values of the environment never reach the page: a line with a name alone stands for the value of what was copied.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from huisuan.base.errors import NotFound
from huisuan.base.money import yuan
from huisuan.compute.jobs.again import request_of, template_named
from huisuan.compute.jobs.queries import one
from huisuan.compute.jobspec.core.array_indices import ranges
from huisuan.compute.models import Job, Upload
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs.submit_form import SubmittedForm, parse_submit_form
from huisuan.protocol.resources import JobRequest

RECENT_FOLDERS = 8


@dataclass(frozen=True)
class Copied:
    """What a form was copied from: `parameter` and `name` as the address gives them, and the request behind it."""

    parameter: str
    name: str
    request: JobRequest


def copied(request: HttpRequest, viewer: Viewer, now: datetime) -> Copied | None:
    """What the form is a copy of: of a job (`from`) or a template (`template`); None: of nothing, or nothing there."""
    given = request.POST if request.method == "POST" else request.GET
    if uid := given.get("from", ""):
        try:
            return Copied("from", uid, request_of(one(viewer, uid), now))
        except Job.DoesNotExist:
            return None
    if name := given.get("template", ""):
        try:
            return Copied("template", name, JobRequest.model_validate(template_named(name, viewer).request))
        except NotFound:
            return None
    return None


def form_texts(asked: JobRequest) -> dict[str, str]:
    """A request as it would have been typed."""
    deadline = timezone.localtime(asked.deadline).strftime("%Y-%m-%d %H:%M") if asked.deadline else ""
    price = asked.price_ceiling_fen
    texts = {
        "name": asked.name, "command": shlex.join(asked.command), "script": asked.script, "image": asked.image,
        "environment": "\n".join(sorted(asked.environment)), "outputs": asked.outputs,
        "cards": "" if asked.cards is None else str(asked.cards), "nodes": str(asked.nodes) if asked.nodes > 1 else "",
        "models": ", ".join(asked.models), "vendor": asked.vendor or "",
        "min_memory_gib": str(asked.min_memory_gib or ""),
        "min_tflops_fp16": f"{asked.min_tflops_fp16.normalize():f}" if asked.min_tflops_fp16 else "",
        "centre": asked.centre or "", "city": asked.city or "", "data_at": asked.data_at or "",
        "price_ceiling": "" if price is None else yuan(price).replace(",", ""),
        "time_limit": f"{asked.time_limit_seconds}s", "deadline": deadline, "after": ", ".join(asked.after),
        "array": ranges(asked.array) if asked.array else "", "retries": str(asked.retries or ""),
        "notify": asked.notify_url, "project": asked.project or "",
    }  # fmt: skip
    return {key: text for key, text in texts.items() if text}


def parse_copy(texts: Mapping[str, str], source: Copied | None) -> SubmittedForm:
    """What a form asks for, with the values of those names that stand alone taken from what was copied."""
    if source is None:
        return parse_submit_form(texts)
    lines = texts.get("environment", "").splitlines()
    kept = {line.strip() for line in lines if line.strip() in source.request.environment}
    found = parse_submit_form({**texts, "environment": "\n".join(line for line in lines if line.strip() not in kept)})
    found = replace(found, texts={**found.texts, "environment": texts.get("environment", "").strip()})
    if found.read is None:
        return found
    values = {**{name: source.request.environment[name] for name in kept}, **found.read.request.environment}
    asked = found.read.request.model_copy(update={"environment": values})
    return replace(found, read=replace(found.read, request=asked))


def recent_folders(viewer: Viewer) -> list[tuple[Upload, str]]:
    """The firm's working directories that are still there, the last used first, each with a job that used it."""
    if viewer.role != "user":
        return []
    there = Upload.objects.filter(party=viewer.party_id, forgotten_at__isnull=True).defer("content")
    used = list(there.annotate(used=Max("jobs__submitted_at")).order_by("-uploaded_at")[:RECENT_FOLDERS])
    named = Job.objects.filter(workdir__in=used).order_by("workdir", "-submitted_at").distinct("workdir")
    names = dict(named.values_list("workdir", "name"))
    return [(upload, names.get(upload.pk, "")) for upload in used]
