"""Submitting a job on a page: by form or by file, looked at before it is sent: where, when, at what price."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.compute.jobs.again import templates
from huisuan.compute.jobs.preview import preview
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.jobs.workdirs.services import take_upload
from huisuan.compute.jobspec.core.parse_result import ParsedJob
from huisuan.compute.jobspec.detect import LARGEST_JOB_FILE, parse_job_file
from huisuan.compute.models import Accelerator, Centre
from huisuan.parties.projects import list_projects
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs.copying import Copied, copied, form_texts, parse_copy, recent_folders
from huisuan.portal.jobs.submit_form import SubmittedForm
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.refusals import refusal_lines
from huisuan.protocol.job_uid import RANDOM_BYTES
from huisuan.protocol.placement import Preview
from huisuan.protocol.resources import JobRequest


@allow("user", scope="submit")
@require_http_methods(["GET", "POST"])
def submit_page(request: HttpRequest) -> HttpResponseBase:
    """The form, or the file; POST looks first (`look`) or sends (`send`)."""
    viewer, now = viewer_of(request), timezone.now()
    by_file = request.GET.get("by") == "file"
    not_used = [] if by_file else refused(request, "by")
    source = None if by_file else copied(request, viewer, now)
    not_used += refused(request, *(key for key in ("from", "template") if source is None))
    context: dict[str, Any] = {
        "here": "jobs", "not_used": not_used, "by_file": by_file, "source": source,
        "form": SubmittedForm(form_texts(source.request) if source else {}, "", None, {}, []),
        "uploaded": source.request.workdir or "" if source else "",
        "templates": templates(viewer), "folders": recent_folders(viewer),
        "models": list(Accelerator.objects.exclude(tflops_fp16=0).values_list("model", flat=True)),
        "centres": list(Centre.objects.exclude(engine="").values_list("code", flat=True)),
        "projects": list(list_projects(viewer).filter(closed_at__isnull=True).values_list("code", flat=True)),
        "key": request.POST.get("key") or secrets.token_hex(16),
    }  # fmt: skip
    if request.method == "POST":
        try:
            if by_file:
                context["text"], name = _file(request)
                context["read"] = parse_job_file(context["text"], name)
            else:
                context |= _form(request, source)
            found: ParsedJob | None = context["read"]
            if found is not None:
                asked = _with_workdir(request, found, viewer, now)
                if "send" in request.POST:
                    job = submit_job(asked, viewer, now, secrets.token_bytes(RANDOM_BYTES), context["key"])
                    return redirect("job", uid=job.uid)
                context |= _looked_at(asked, viewer, now)
        except Refused as refusal:
            context["refused"] = refusal_lines(refusal)
    live = request.htmx.target == "look"  # type: ignore[attr-defined]
    return render(request, "portal/jobs/submit_look.html" if live else "portal/jobs/submit.html", context)


def _form(request: HttpRequest, source: Copied | None) -> dict[str, Any]:
    found = parse_copy({key: text for key, text in request.POST.items() if isinstance(text, str)}, source)
    return {"form": found, "read": found.read, "file_text": found.file}


def _file(request: HttpRequest) -> tuple[str, str]:
    """The text of the file chosen, else what was pasted; and what errors call it.

    Raises:
        Refused: it is too large or no text.
    """
    chosen = request.FILES.get("file")
    if not (isinstance(chosen, UploadedFile) and chosen.size):
        return request.POST.get("text", "").replace("\r\n", "\n"), _t("作业文件")  # forms send lines so
    name = chosen.name or _t("作业文件")
    if chosen.size > LARGEST_JOB_FILE:
        text = _t("{name} 超过 {most} KiB：作业文件不装数据，请放进工作目录")
        raise InvalidRequest(text.format(name=name, most=LARGEST_JOB_FILE // 1024), code="job.file_too_large")
    try:
        return chosen.read().decode("utf-8-sig"), name
    except UnicodeDecodeError:
        raise InvalidRequest(_t("{name} 不是 UTF-8 文本").format(name=name), code="file.not_utf8") from None


def _with_workdir(request: HttpRequest, found: ParsedJob, viewer: Viewer, now: datetime) -> JobRequest:
    """The request with its working directory, uploaded now or the last time this form was looked at.

    Raises:
        Refused: the file wants a folder, or values, that are not there.
    """
    found = replace(found, request=found.request.model_copy(update={"environment": _environment(request, found)}))
    archive = request.FILES.get("workdir")
    sha256 = request.POST.get("recent", "") or request.POST.get("uploaded", "")
    if isinstance(archive, UploadedFile) and archive.size:
        sha256 = take_upload(archive, None, viewer, now)[0].sha256
    if found.workdir is not None and not sha256:
        text = _t("文件里的 workdir（{folder}）在您的机器上：请在下面选择它的 tar.gz，或改用 huisuan job submit")
        raise InvalidRequest(text.format(folder=found.workdir), code="job.workdir_on_page")
    return found.request.model_copy(update={"workdir": sha256 or None})


def _environment(request: HttpRequest, found: ParsedJob) -> dict[str, str]:
    """The variables, with those that the file leaves open taken from the page."""
    given = dict(found.request.environment)
    missing = []
    for name in found.wanted:
        value = request.POST.get(f"wanted.{name}", "")
        if value:
            given[name] = value
        elif name not in given:
            missing.append(name)
    if missing:
        raise InvalidRequest(
            _t("文件没有给出这些环境变量的值：{names}；请改写文件").format(names=_t("、").join(missing)),
            code="job.variable_without_value",
        )
    return given


def _looked_at(asked: JobRequest, viewer: Viewer, now: datetime) -> dict[str, Any]:
    seen: Preview = preview(asked, viewer, now)
    return {"asked": asked, "seen": seen, "uploaded": asked.workdir or ""}
