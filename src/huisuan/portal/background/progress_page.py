"""How far a request for long work is, as its page shows it, asked anew by itself until it has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huisuan.base.db.background_work import BackgroundWork, has_worker
from huisuan.portal.ui.state_labels import Word

WORK_STATES = {
    "queued": Word(_("排队中"), "wait"),
    "running": Word(_("进行中"), "wait"),
    "done": Word(_("已完成"), "good"),
    "failed": Word(_("没有完成"), "bad"),
    "cancelled": Word(_("已取消"), "plain"),
}


@dataclass(frozen=True)
class WorkPage:
    """What the page says of a kind of work beside its progress.

    `back` is where its list is; `result` where what it made is seen; `cancel` where it is cancelled, empty for who may
    not; `report` the template that shows what came of it, once it is done; `again` where it is asked for anew. `live`
    is where its progress is asked for, empty: the page's own address.
    """

    title: str
    step: str | Promise
    back: str
    back_label: str | Promise
    result: str = ""
    result_label: str | Promise = ""
    cancel: str = ""
    report: str = ""
    facts: list[tuple[str | Promise, str]] = field(default_factory=list)
    again: str = ""
    live: str = ""


def work_context(work: BackgroundWork, page: WorkPage) -> dict[str, Any]:
    """What `portal/background/live.html` shows."""
    waits = work.is_under_way and not has_worker(work)
    return {"work": work, "page": page, "word": WORK_STATES[work.state], "waits_for_worker": waits}


def render_work(
    request: HttpRequest, work: BackgroundWork, page: WorkPage, here: str, more: dict[str, Any] | None = None
) -> HttpResponseBase:
    """The page of a request, or the part of it that asks anew; `more`: what the template of its report uses."""
    context = {**(more or {}), "here": here, **work_context(work, page)}
    live = request.htmx.target == "work"  # type: ignore[attr-defined]
    return render(request, "portal/background/live.html" if live else "portal/background/progress.html", context)
