"""Files of a job on pages: folders of its results and working directory, previews, downloads that stream.

A centre answers with its agent's next call: a page whose answer is not there yet says so and asks again by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from huisuan.base.errors import Refused
from huisuan.base.stepped_response import SteppedResponse
from huisuan.compute.jobs.files import queries
from huisuan.compute.jobs.files.requests import Asker
from huisuan.compute.jobs.files.streams import StreamedFile, file_steps, folder_steps, new_reader
from huisuan.compute.jobs.queries import one
from huisuan.compute.models import Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.jobs.file_preview import MOST_PICTURE_BYTES, PICTURE_TYPES, SHOWN_BYTES, preview_of
from huisuan.portal.ui.refusals import refusal_html, refusal_plain_text
from huisuan.protocol.agent_files import Area
from huisuan.protocol.job_files import ListedFile

_MOST_ASKED = 60  # times that a page asks by itself, a second apart
_RANGE = re.compile(r"bytes=([0-9]{1,18})-")
_VERSION = re.compile(r"[0-9a-f]+-([0-9a-f]{1,16})-[0-9a-f]+")


@dataclass(frozen=True)
class JobFilesPlace:
    """Where in a job's files a page is: area, run (None: the present one), path."""

    uid: str
    area: Area
    run: int | None
    path: str = ""

    def address(self, page: str, path: str | None = None, **more: str) -> str:
        """The address of a page about that path, or another one, of the same area."""
        words = {"area": self.area, "path": self.path if path is None else path, **more}
        run = {} if self.run is None else {"run": str(self.run)}
        return f"{reverse(page, args=[self.uid])}?{urlencode({**words, **run})}"

    @property
    def crumbs(self) -> Sequence[tuple[str, str]]:
        """The folders on the way: name and address."""
        parts = self.path.split("/") if self.path else []
        return [(part, self.address("job-files", "/".join(parts[: n + 1]))) for n, part in enumerate(parts)]


@dataclass(frozen=True)
class FileRow:
    """An entry of a folder as the page shows it."""

    entry: ListedFile
    name: str
    href: str
    download: str


def _place(request: HttpRequest, uid: str) -> JobFilesPlace:
    area, run = request.GET.get("area", "outputs"), request.GET.get("run", "")
    if area not in ("outputs", "workdir") or (run and not run.isdecimal()) or len(run) > 5:
        raise Http404
    return JobFilesPlace(uid, cast(Area, area), int(run) if run else None, request.GET.get("path", "").strip("/"))


@allow(*queries.READS_FILES)
def job_files(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A folder of a job; htmx asks for the list alone, until the centre has answered."""
    place = _place(request, uid)
    try:
        about = queries.job_files(viewer_of(request), uid)
        job = one(viewer_of(request), uid)
    except Job.DoesNotExist:
        raise Http404 from None
    if not about.outputs and "area" not in request.GET:
        place = JobFilesPlace(uid, "workdir", place.run, place.path)
    context: dict[str, Any] = {"here": "jobs", "job": job, "about": about, "place": place, "asked": _asked(request)}
    try:
        asker = queries.asker_for(viewer_of(request), uid, place.area, place.run, "page", timezone.now())
        question = queries.make_question(asker, place.area, "list", place.path, after=request.GET.get("after", ""))
        found = queries.listing(asker, question, timezone.now())
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
    else:
        context |= {"found": found, "rows": [_row(place, entry) for entry in found.items] if found else []}
        if found and found.next:
            context["next"] = place.address("job-files", after=found.next)
    areas: tuple[Area, ...] = ("outputs", "workdir") if about.outputs else ("workdir",)
    context["areas"] = [(area, JobFilesPlace(uid, area, place.run if area == "outputs" else None)) for area in areas]
    context["download"] = place.address("job-file")
    return _page(request, "portal/jobs/files.html", "portal/jobs/file_list.html", context)


@allow(*queries.READS_FILES)
def view_file(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A preview of a file: its first 64 KiB, or with `end` its last."""
    place = _place(request, uid)
    job, asker = _asker(request, place)
    version, at_end = request.GET.get("version", ""), "end" in request.GET
    offset = max((_size_of(version) or 0) - SHOWN_BYTES, 0) if at_end else 0
    context: dict[str, Any] = {"here": "jobs", "job": job, "place": place, "asked": _asked(request), "at_end": at_end}
    try:
        if isinstance(asker, Refused):
            raise asker
        question = queries.make_question(
            asker, place.area, "read", place.path, offset=offset, length=SHOWN_BYTES, version=version
        )
        found = queries.piece(asker, question, timezone.now())
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
        found = None
    preview = None
    if found is not None:
        version = found.version
        preview = context["preview"] = preview_of(place.path, found.content, found.offset, found.size)
    context |= {
        "up": place.address("job-files", place.path.rpartition("/")[0]),
        "download": place.address("job-file", version=version),
        "picture": place.address("job-picture", version=version, type=preview.media if preview else ""),
        "head": place.address("job-file-view", version=version),
        "tail": place.address("job-file-view", version=version, end="1"),
    }
    return _page(request, "portal/jobs/file.html", "portal/jobs/file_preview.html", context)


@allow(*queries.READS_FILES)
def download(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A file of that version, from where a browser's own resumption asks; without a version a folder as an archive."""
    place = _place(request, uid)
    job, asker = _asker(request, place)
    if isinstance(asker, Refused):
        return _refused(asker)
    version, reader = request.GET.get("version", ""), viewer_of(request).name
    if not version:
        name = place.path.rpartition("/")[2] or f"{job.name}-{uid}"
        folder = SteppedResponse(folder_steps(new_reader(asker), place.area, place.path), "application/zip", reader)
        folder["Content-Disposition"] = _attachment(f"{name}.zip")
        return folder
    size = _size_of(version)
    if size is None:
        raise Http404
    start = _start(request, version, size)
    steps = file_steps(new_reader(asker), StreamedFile(place.area, place.path, version, size, start))
    answer = SteppedResponse(steps, "application/octet-stream", reader)
    answer["Content-Disposition"] = _attachment(place.path.rpartition("/")[2])
    answer["Content-Length"], answer["ETag"], answer["Accept-Ranges"] = str(size - start), f'"{version}"', "bytes"
    if start:
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    return answer


@allow(*queries.READS_FILES)
def picture(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A picture for the preview, as the type that its first bytes told; browsers take it for nothing else."""
    place = _place(request, uid)
    _, asker = _asker(request, place)
    version, media = request.GET.get("version", ""), request.GET.get("type", "")
    if isinstance(asker, Refused):
        return _refused(asker)
    size = _size_of(version)
    if media not in PICTURE_TYPES or size is None or size > MOST_PICTURE_BYTES:
        raise Http404
    steps = file_steps(new_reader(asker), StreamedFile(place.area, place.path, version, size))
    answer = SteppedResponse(steps, media, viewer_of(request).name)
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _asker(request: HttpRequest, place: JobFilesPlace) -> tuple[Job, Asker | Refused]:
    """The job, and whom to ask about its files, or why nobody can be asked."""
    viewer = viewer_of(request)
    try:
        job = one(viewer, place.uid)
        return job, queries.asker_for(viewer, place.uid, place.area, place.run, "page", timezone.now())
    except Job.DoesNotExist:
        raise Http404 from None
    except Refused as refusal:
        return job, refusal


def _page(request: HttpRequest, whole: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """The page, or for htmx the part that waits for the centre; that asks again while there is no answer."""
    asked = context["asked"]
    waits = "refused" not in context and "preview" not in context and context.get("found") is None
    query = request.GET.copy()
    query["asked"] = str(asked + 1)
    context |= {"waits": waits and asked < _MOST_ASKED, "silent": waits and asked >= _MOST_ASKED, "part": part,
                "again": f"{request.path}?{query.urlencode()}"}  # fmt: skip
    is_part = request.htmx.target == "files"  # type: ignore[attr-defined]
    return render(request, part if is_part else whole, context)


def _row(place: JobFilesPlace, entry: ListedFile) -> FileRow:
    name = entry.path.rpartition("/")[2]
    if entry.kind == "folder":
        return FileRow(entry, name, place.address("job-files", entry.path), place.address("job-file", entry.path))
    if entry.kind != "file":
        return FileRow(entry, name, "", "")
    view = place.address("job-file-view", entry.path, version=entry.version)
    return FileRow(entry, name, view, place.address("job-file", entry.path, version=entry.version))


def _asked(request: HttpRequest) -> int:
    text = request.GET.get("asked", "0")
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def _size_of(version: str) -> int | None:
    """The size that a file's version names; None where it is no version."""
    found = _VERSION.fullmatch(version)
    return int(found[1], 16) if found else None


def _start(request: HttpRequest, version: str, size: int) -> int:
    """From where a browser goes on with a download that broke off; 0 where it has another version."""
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    same = request.headers.get("If-Range", f'"{version}"') == f'"{version}"'
    return int(found[1]) if found and same and int(found[1]) < size else 0


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


def _refused(refusal: Refused) -> HttpResponse:
    return HttpResponse(refusal_plain_text(refusal), "text/plain; charset=utf-8", 409)
