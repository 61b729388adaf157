"""One act on many applications of the inbox: asked first, done at once, with what was not done and why."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import Refused
from huisuan.law.procedure import ACTION_WORDS
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.inbox import OFFICIALS, applicant_name, inbox_table
from huisuan.portal.programmes.words import action_label, application_state, programme_title, refusal_status
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.check_desk.checking import check_where_nobody_has
from huisuan.programmes.workflow import act_on_many
from huisuan.programmes.workflow.inbox import describe_waiting, waiting_applications

_MOST, _LISTED, _TOLD = 2000, 50, 500
_ONE_BY_ONE = frozenset({"return"})  # which fields are wrong differs from one to the next
_KEPT = "acts_on_many"


@allow(*OFFICIALS)
@require_http_methods(["GET", "POST"])
def inbox_acts(request: HttpRequest) -> HttpResponseBase:
    """Ask which act, with one reason for all (`number`, or all that the inbox's filter finds); POST does it."""
    if request.method == "POST":
        return _take_all(request)
    assert isinstance(request.user, Person)
    now = timezone.now()
    asked = [number for number in request.GET.getlist("number") if "\x00" not in number]
    table = inbox_table(request, request.user, now)
    rows = waiting_applications(request.user, now).filter(number__in=asked) if asked else table.filtered
    if table.refused or (not asked and not table.is_filtered):
        messages.error(request, _t("请先选中要办的申报，或用筛选说明是哪些。"))
        return redirect("inbox")
    return _ask(request, [row.number for row in rows[: _MOST + 1]])


def _ask(
    request: HttpRequest, numbers: list[str], refused: Refused | None = None, action: str = "", reason: str = ""
) -> HttpResponse:
    assert isinstance(request.user, Person)
    now = timezone.now()
    rows = list(waiting_applications(request.user, now).filter(number__in=numbers[:_MOST]).order_by("pk"))
    waiting = describe_waiting(rows, request.user, now)
    counted = Counter(each for one in waiting for each in one.actions if each not in _ONE_BY_ONE)
    context: dict[str, Any] = {
        "here": "inbox",
        "strangers": (),
        "rows": [
            (row, programme_title(row.edition), applicant_name(row), application_state(row.state, request.user.role))
            for row in rows[:_LISTED]
        ],
        "count": len(rows),
        "more": max(len(rows) - _LISTED, 0),
        "too_many": _MOST if len(numbers) > _MOST else 0,
        "numbers": " ".join(row.number for row in rows),
        "acts": [
            (each, action_label(each), count, ACTION_WORDS[each].needs_reason, each == action)
            for each, count in counted.most_common()
        ],
        "reason": reason,
        "refused": refusal_html(refused) if refused else "",
        "key": uuid4().hex,
    }
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/programmes/bulk_acts.html", context, status=status)


def _take_all(request: HttpRequest) -> HttpResponseBase:
    assert isinstance(request.user, Person)
    numbers, action = request.POST.get("numbers", "").split(), request.POST.get("action", "")
    reason, key = request.POST.get("reason", "").strip(), request.POST.get("key", "")
    if action == "check":
        check_where_nobody_has(numbers, request.user, timezone.now())
    try:
        outcome = act_on_many(numbers, action, request.user, timezone.now(), reason=reason, key=key)
    except Refused as refusal:
        return _ask(request, numbers, refusal, action, reason)
    request.session[_KEPT] = {
        "action": action,
        "done": sorted(step.application.number for step in outcome.done),
        "refused": [(number, str(refusal), refusal.code) for number, refusal in outcome.refused.items()][:_TOLD],
        "left": len(outcome.refused),
    }
    return redirect("inbox-acts-done")


@allow(*OFFICIALS)
def inbox_acts_done(request: HttpRequest) -> HttpResponseBase:
    """What the last act on many did: which were not done, and why."""
    outcome = request.session.get(_KEPT)
    if not outcome:
        return redirect("inbox")
    context = {
        "here": "inbox",
        "action": action_label(outcome["action"]),
        "done": outcome["done"][:_LISTED],
        "more_done": max(0, len(outcome["done"]) - _LISTED),
        "count": len(outcome["done"]),
        "more_refused": outcome["left"] - len(outcome["refused"]),
        "left": outcome["left"],
        "refused": [(number, refusal_html(Refused(text, code=code))) for number, text, code in outcome["refused"]],
    }
    return render(request, "portal/programmes/bulk_done.html", context)
