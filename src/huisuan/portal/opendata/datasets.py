"""Released data for everyone: files, their signed statements, a form for queries, and what changed, as a feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from huisuan.base.errors import Gone, NotAllowed, NotFound, Refused
from huisuan.opendata.access.delivering import deliver_release
from huisuan.opendata.access.query import MOST_ROWS, run_query
from huisuan.opendata.access.query_parse import FUNCTIONS, LONGEST_QUERY
from huisuan.opendata.access.released import (
    ReadableRelease,
    get_release,
    readable_by,
    scan_paper,
    standing,
    statement_paper,
)
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models import AccessWay, GateStep
from huisuan.opendata.vocabulary import Access
from huisuan.parties.route_access import public_page, viewer_if_any
from huisuan.portal.ui.refusals import refusal_html

_SHOWN_ROWS = 200
_FEED_ENTRIES = 100
_TOLD = (GateState.RELEASED, GateState.SUSPENDED, GateState.SUPERSEDED, GateState.WITHDRAWN)


@public_page
def released_file(request: HttpRequest, number: int, form: str) -> HttpResponseBase:
    """A released file, whole or a range; 410 once it was taken back."""
    viewer = viewer_if_any(request)

    def send(read: ReadableRelease) -> HttpResponseBase:
        if read.release.product.format != form:
            raise Http404
        sent = deliver_release(request, read, viewer, timezone.now, AccessWay.FILE)
        sent["Link"] = (
            f'<{reverse("table-schema", args=[read.release.pk])}>; rel="describedby"; type="application/json"'
        )
        return sent

    return answer_readable(request, number, send)


@public_page
def release_statement(request: HttpRequest, number: int) -> HttpResponseBase:
    """The signed statement of a release, as `huisuan data verify` reads it."""
    return answer_readable(request, number, lambda read: _paper(statement_paper(read.release)))


@public_page
def scan_statement(request: HttpRequest, number: int) -> HttpResponseBase:
    """The signed statement of the scan of what was released."""
    return answer_readable(request, number, lambda read: _paper(scan_paper(read.release)))


def answer_readable(
    request: HttpRequest, number: int, answer: Callable[[ReadableRelease], HttpResponseBase]
) -> HttpResponseBase:
    """What there is to say of a release to whoever may read it; 404, 403, 410 to others."""
    try:
        return answer(get_release(number, viewer_if_any(request), timezone.now()))
    except NotFound as wrong:
        raise Http404 from wrong
    except (Gone, NotAllowed) as refusal:
        return answer_refused(request, refusal)


def answer_refused(request: HttpRequest, refusal: Gone | NotAllowed) -> HttpResponse:
    """The page that says why something is not to be had: 410 where it was taken back, else 403."""
    gone = isinstance(refusal, Gone)
    context = {"here": "opendata", "refused": refusal_html(refusal), "gone": gone}
    return render(request, "portal/opendata/gone.html", context, status=410 if gone else 403)


def _paper(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="application/json; charset=utf-8")


@public_page
def query_page(request: HttpRequest) -> HttpResponseBase:
    """A form for one SELECT on what may be read, and its answer."""
    code, sql = request.GET.get("entry", ""), request.GET.get("sql", "")
    viewer, now = viewer_if_any(request), timezone.now()
    context: dict[str, Any] = {
        "here": "opendata", "code": code, "sql": sql, "most": MOST_ROWS, "longest": LONGEST_QUERY,
        "functions": " ".join(sorted(name for name in FUNCTIONS if name.isidentifier())),
        "entry": readable_by(viewer, now, code).first() if code else None,
    }  # fmt: skip
    if context["entry"]:
        context["title"] = standing(context["entry"]).title
    if not sql.strip():
        return render(request, "portal/opendata/query.html", context)
    try:
        found = run_query(sql, viewer, now, code)
    except Refused as refusal:
        context["refused"] = refusal_html(refusal)
        status = 410 if isinstance(refusal, Gone) else 403 if isinstance(refusal, NotAllowed) else 422
        return render(request, "portal/opendata/query.html", context, status=status)
    context |= {
        "answer": found, "rows": found.rows[:_SHOWN_ROWS], "more": len(found.rows) > _SHOWN_ROWS or bool(found.cut),
        "count": len(found.rows),
    }  # fmt: skip
    return render(request, "portal/opendata/query.html", context)


@public_page
def changes_feed(request: HttpRequest) -> HttpResponse:
    """Releases, superseded and withdrawn files of open entries, newest first, as Atom."""
    steps = (
        GateStep.objects.filter(to_state__in=_TOLD)
        .filter(file__entry__latest__access=Access.OPEN)
        .select_related("file__entry__latest")
        .order_by("-at", "-pk")[:_FEED_ENTRIES]
    )
    here = request.build_absolute_uri()
    updated = (steps[0].at if steps else timezone.now()).isoformat()
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>', '<feed xmlns="http://www.w3.org/2005/Atom">',
        "<title>开放数据</title>", f"<id>{escape(here)}</id>", f"<updated>{updated}</updated>",
        f'<link rel="self" href={quoteattr(here)}/>', "<author><name>惠算</name></author>",
        *(_feed_entry(request, step) for step in steps), "</feed>",
    ]  # fmt: skip
    return HttpResponse("\n".join(lines) + "\n", content_type="application/atom+xml; charset=utf-8")


def _feed_entry(request: HttpRequest, step: GateStep) -> str:
    latest = step.file.entry.latest
    title = f"{latest.title if latest else ''}：{GateState(step.to_state).label}"
    page = request.build_absolute_uri(reverse("opendata-entry", args=[step.file.entry.code]))
    return (
        f"<entry><id>{escape(page)}#step-{step.pk}</id><title>{escape(title)}</title>"
        f"<updated>{step.at.isoformat()}</updated><link href={quoteattr(page)}/></entry>"
    )
