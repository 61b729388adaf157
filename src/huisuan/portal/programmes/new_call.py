"""Calls by page: published with all its terms, amended and extended, by who holds a post to publish."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.law.policy import load_installed
from huisuan.law.procedure import Start
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.calls import SHORTAGE_WORDS, TIE_WORDS, show_call
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.calls.publishing import may_publish
from huisuan.programmes.calls.queries import get_call
from huisuan.programmes.calls.services import CallTerms, amend_call, open_call
from huisuan.treasury.models import AppropriationLine

#: who may hold a post to publish
PUBLISHERS = ("city", "province", "department")
_TEXTS = ("programme", "year", "title", "first", "last", "line", "shortage", "tie-1", "tie-2", "tie-3", "tasks")
_YEAR, _NUMBER = re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{1,12}")


@allow(*PUBLISHERS)
@require_http_methods(["GET", "POST"])
def new_call(request: HttpRequest) -> HttpResponseBase:
    """Publish a call; its terms are known before it opens and are never shortened."""
    if request.method != "POST":
        return _form(request, {"year": str(timezone.localdate().year)})
    assert isinstance(request.user, Person)
    typed = {name: request.POST.get(name, "").strip() for name in _TEXTS}
    try:
        made = open_call(_terms(typed), request.user, timezone.now())
    except Refused as refusal:
        return _form(request, typed, refusal)
    messages.success(request, _t("申报通知 {number} 已发布。").format(number=made.number))
    return redirect("call", number=made.number)


@allow(*PUBLISHERS)
@require_POST
def amend_call_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Publish an amendment; with a last day the call is extended until then."""
    assert isinstance(request.user, Person)
    try:
        get_call(number)
    except NotFound:
        raise Http404 from None
    typed = {name: request.POST.get(name, "").strip() for name in ("text", "last")}
    try:
        last = _day(typed["last"]) if typed["last"] else None
        amend_call(number, typed["text"], request.user, timezone.now(), last_day=last)
    except Refused as refusal:
        return show_call(request, number, typed, refusal)
    messages.success(request, _t("已公布。"))
    return redirect("call", number=number)


def _terms(typed: dict[str, str]) -> CallTerms:
    policy, _space, key = typed["programme"].partition(" ")
    if not _YEAR.fullmatch(typed["year"]):
        raise InvalidRequest("年度读不出：写作 2024", code="call.year_malformed")
    if not _NUMBER.fullmatch(typed["line"]):
        raise InvalidRequest("请选择用哪一条预算", code="call.line_missing")
    ties = [typed[name] for name in ("tie-1", "tie-2", "tie-3") if typed[name]]
    return CallTerms(
        policy, key, int(typed["year"]), typed["title"], _day(typed["first"]), _day(typed["last"]), int(typed["line"]),
        typed["shortage"], ties, tasks=_tasks(typed["tasks"]),
    )  # fmt: skip


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("日期读不出：写作 2024-01-31", code="call.day_malformed") from None


def _tasks(text: str) -> dict[str, str]:
    """A line each: a code, a space, a name."""
    found: dict[str, str] = {}
    for line in filter(None, (each.strip() for each in text.splitlines())):
        code, _space, name = line.partition(" ")
        if not name.strip() or code in found:
            raise InvalidRequest("榜单每行一项：编号、空格、名称，编号不重复", code="call.tasks_malformed")
        found[code] = name.strip()
    return found


def _programmes(person: Person, now: datetime) -> list[tuple[str, str]]:
    """The programmes that begin with a call and under which the person's posts publish."""
    return [
        (f"{policy.name} {spec.key}", f"{spec.key} {spec.title_en if reads_english() else spec.title}")
        for policy in load_installed()[0]
        for spec in policy.programmes
        if spec.start is not Start.OFFER and may_publish(spec, person, now)
    ]


def _form(request: HttpRequest, typed: dict[str, str], refused: Refused | None = None) -> HttpResponse:
    assert isinstance(request.user, Person)
    programmes = _programmes(request.user, timezone.now())
    policies = {value.partition(" ")[0] for value, _label in programmes}
    lines = AppropriationLine.objects.filter(policy__in=policies).order_by("-year", "sentence", "pk")
    context = {
        "here": "calls",
        "programmes": programmes,
        "lines": [(str(line.pk), str(line)) for line in lines],
        "shortages": SHORTAGE_WORDS.items(),
        "tie_words": TIE_WORDS.items(),
        "tie_places": [(name, typed.get(name, "")) for name in ("tie-1", "tie-2", "tie-3")],
        "typed": typed,
        "refused": refusal_html(refused) if refused else "",
    }
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/programmes/new_call.html", context, status=status)
