"""A job's output on a page of its own: searched, and downloaded whole."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from huisuan.base.errors import Refused
from huisuan.compute.jobs.files.log_search import log_pieces, search_log
from huisuan.compute.jobs.queries import log_end, one
from huisuan.compute.models import Job
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.jobs import log
from huisuan.portal.jobs.views import READS_LOG
from huisuan.portal.ui.refusals import refusal_html


@allow(*READS_LOG)
def log_page(request: HttpRequest, uid: str) -> HttpResponseBase:
    """The lines of a job's output that hold a text; without one, its end; with `download`, all of it as a file."""
    try:
        job = one(viewer_of(request), uid)
    except Job.DoesNotExist:
        raise Http404 from None
    if "download" in request.GET:
        answer = StreamingHttpResponse(log_pieces(job), content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{job.uid}.log"'
        return answer
    text, ignore_case = request.GET.get("q", ""), "i" in request.GET
    context = {"here": "jobs", "job": job, "q": text, "ignore_case": ignore_case, "size": log_end(job.uid)}
    if not text:
        context["tail"] = log.tail(job)
        return render(request, "portal/jobs/log.html", context)
    try:
        found = search_log(
            job,
            text,
            ignore_case=ignore_case,
            offset=_number(request, "offset", 0),
            number=_number(request, "number", 1),
        )
    except Refused as refusal:
        return render(request, "portal/jobs/log.html", {**context, "refused": refusal_html(refusal)})
    if found.next_offset is not None:
        words = {
            "q": text,
            "offset": found.next_offset,
            "number": found.next_number,
            **({"i": 1} if ignore_case else {}),
        }
        context["next"] = f"{reverse('job-log', args=[uid])}?{urlencode(words)}"
    return render(request, "portal/jobs/log.html", {**context, "found": found})


def _number(request: HttpRequest, name: str, otherwise: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else otherwise
