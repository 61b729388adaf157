"""Handing in a draft under a call: what is still missing as one list, both instants, the button once it is whole."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import NotFound, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.applications.form import label_of
from huisuan.portal.programmes.calls import drafts_of_call, window_word
from huisuan.portal.programmes.words import programme_title, refusal_status
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.calls.queries import get_call
from huisuan.programmes.calls.submit import held_by_year, list_missing, once_a_year, submit_draft
from huisuan.programmes.models import Call
from huisuan.programmes.submissions.content import MissingItem, law_of
from huisuan.programmes.submissions.window import CallWindow, show_instant


@allow("user", "city", scope="submit")
@require_http_methods(["GET", "POST"])
def submit_draft_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """What a draft (`draft`) still lacks under a call; POST hands it in, once."""
    try:
        call = get_call(number)
    except NotFound:
        raise Http404 from None
    asked = request.POST if request.method == "POST" else request.GET
    draft, task = _whole(asked.get("draft", "")), asked.get("task", "").strip()
    if request.method != "POST":
        return _shown(request, call, draft, task)
    assert isinstance(request.user, Person)
    try:
        made = submit_draft(call.number, draft, request.user, timezone.now(), task=task)
    except Refused as refusal:
        return _shown(request, call, draft, task, refusal)
    messages.success(request, _t("已提交为 {number}，平台收到的时间见历次提交。").format(number=made.number))
    return redirect("application", number=made.number)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _in_readers_words(call: Call, item: MissingItem) -> str:
    """What is missing, with the fact as it is called in the reader's language."""
    _policy, rule = law_of(call)
    spec = next((each for each in rule.facts if each.name == item.field), None)
    return item.text.replace(spec.zh, label_of(spec)) if spec else item.text


def _shown(
    request: HttpRequest, call: Call, draft: int, task: str, refused: Refused | None = None
) -> HttpResponse:  # fmt: skip
    assert isinstance(request.user, Person)
    now = timezone.now()
    rows = drafts_of_call(call, viewer_of(request))
    chosen = draft or (rows[0][0].pk if len(rows) == 1 else 0)
    before = next((made for each, made in rows if each.pk == chosen and made), None)
    task = task or (before.submissions.values_list("task", flat=True).last() or "" if before else "")
    missing: list[MissingItem] = []
    if chosen:
        try:
            missing = list_missing(call.number, chosen, request.user, now, task=task)
        except Refused as refusal:
            refused = refused or refusal
            chosen = 0
    context = {
        "here": "calls",
        "call": call,
        "title": programme_title(call.edition),
        "word": window_word(call, now),
        "closes": show_instant(CallWindow(call.first_day, call.last_day).closes_at),
        "now": show_instant(now),
        "drafts": rows,
        "chosen": chosen,
        "before": before,
        "task": task,
        "once_a_year": once_a_year(call.year) if held_by_year(call) else "",
        "missing": [_in_readers_words(call, item) for item in missing],
        "refused": refusal_html(refused) if refused else "",
    }
    return render(
        request, "portal/programmes/submit_draft.html", context, status=refusal_status(refused) if refused else 200
    )
