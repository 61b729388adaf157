"""Calls for applications, for everyone: the list, and one with its window, its terms and its amendments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotAllowed, NotFound, Refused
from huisuan.law.budget import PoolMode
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import public_page
from huisuan.parties.viewer import Viewer
from huisuan.portal.applications.form import label_of
from huisuan.portal.documents.papers import read_papers
from huisuan.portal.programmes.words import programme_title, refusal_status
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.applications.queries import claimant, drafts
from huisuan.programmes.calls.publishing import amended_by, may_amend
from huisuan.programmes.calls.queries import get_call, list_calls
from huisuan.programmes.models import Application, Call, Draft, ProcedureEdition
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review.ranking import TieOrder
from huisuan.programmes.review_desk.decision_sheet import frozen_by, official_call
from huisuan.programmes.submissions.content import law_of
from huisuan.programmes.submissions.window import CallWindow, WindowState, show_instant
from huisuan.programmes.workflow.begin import find_other_city

WINDOW_WORDS = {
    WindowState.ANNOUNCED: Word(_("未开始"), "wait"), WindowState.OPEN: Word(_("受理中"), "good"),
    WindowState.CLOSED: Word(_("已截止")),
}  # fmt: skip
SHORTAGE_WORDS: dict[str, Text] = {
    PoolMode.PRO_RATA: _("按比例分配，合计正好等于预算"), PoolMode.FIRST_COME: _("按提交先后，至用完为止"),
    PoolMode.RANK: _("按评审名次，至用完为止"),
}  # fmt: skip
TIE_WORDS: dict[str, Text] = {
    TieOrder.SPREAD: _("专家分歧小的在前"), TieOrder.APPLIED: _("提交早的在前"), TieOrder.AMOUNT: _("金额小的在前"),
}  # fmt: skip


def window_word(call: Call, now: datetime) -> Word:
    """Whether a call takes applications now."""
    return WINDOW_WORDS[CallWindow(call.first_day, call.last_day).state(now)]


def drafts_by_rule(viewer: Viewer) -> dict[tuple[str, str], list[tuple[Draft, Application | None]]]:
    """The drafts of the viewer's own party by policy and rule, with what became of each."""
    if claimant(viewer) is None:
        return {}
    rows = list(drafts(viewer))
    handed_in = {one.draft_id: one for one in Application.objects.filter(draft__in=rows).order_by("pk")}
    found: dict[tuple[str, str], list[tuple[Draft, Application | None]]] = defaultdict(list)
    for draft in rows:
        found[draft.policy, draft.rule].append((draft, handed_in.get(draft.pk)))
    return dict(found)


def drafts_of_call(call: Call, viewer: Viewer) -> list[tuple[Draft, Application | None]]:
    """Those that can be handed in under a call."""
    return drafts_by_rule(viewer).get((call.edition.policy, call.edition.rule_key), [])


def call_table(request: HttpRequest, now: datetime) -> Table:
    """Every call, those that close last first."""

    def narrow(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
        today = timezone.localdate(now)
        if state == WindowState.OPEN:
            return rows.filter(first_day__lte=today, last_day__gte=today)
        return rows.filter(first_day__gt=today) if state == WindowState.ANNOUNCED else rows.filter(last_day__lt=today)

    def programmes(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        found = ProcedureEdition.objects.filter(calls__in=rows.order_by()).distinct()
        return sorted({str(one.pk): programme_title(one) for one in found}.items(), key=lambda pair: pair[1])

    words = list(WINDOW_WORDS.items())
    return Table(
        request,
        list_calls(now),
        [
            Column("number", _("编号"), "number", Kind.CODE, sort="number", link=_address),
            Column("title", _("申报通知"), "title", sort="title"),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("year", _("年度"), lambda row: str(row.year), sort="year"),
            Column("state", _("状态"), lambda row: window_word(row, now), Kind.STATE),
            Column("first", _("受理开始"), "first_day", Kind.DAY, sort="first_day"),
            Column("last", _("截止（当日 24:00）"), "last_day", Kind.DAY, sort="last_day"),
        ],
        file="calls",
        order="-last",
        search=("number", "title"),
        choices=[
            Choice("window", _("状态"), lambda _rows: [(key, word.label) for key, word in words], narrow),
            Choice("programme", _("申报程序"), programmes, lambda rows, edition: rows.filter(edition=edition)),
        ],
        empty=Empty(
            _("还没有发布申报通知：由各程序的公示岗位发布。各条款怎样申报，见政策页。"),
            link=reverse("policies"),
            link_text=_("政策"),
        ),
    )  # fmt: skip


def _address(row: Any) -> str:
    return reverse("call", args=[row.number])


@public_page
def call_list(request: HttpRequest) -> HttpResponseBase:
    """The calls."""
    table = call_table(request, timezone.now())
    context = {"here": "calls", "may_publish": _publishes(request)}
    return render_tables(request, "portal/programmes/calls.html", context, [table])


def _publishes(request: HttpRequest) -> bool:
    """Whether the reader holds a post to publish today, whatever the programme."""
    if not isinstance(request.user, Person) or request.user.role not in ("city", "province", "department"):
        return False
    return posts_in_force(request.user, timezone.localdate()).filter(duty__in=[Duty.PUBLISH, Duty.REGISTER]).exists()


@public_page
def call_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """One call: until when, for what, what is needed, what is done where the budget is too small."""
    return show_call(request, number, {})


def show_call(
    request: HttpRequest, number: str, typed: dict[str, str], refused: Refused | None = None
) -> HttpResponseBase:
    """The page of a call, with what was typed into the form that amends it and why that was refused."""
    try:
        call = get_call(number)
    except NotFound:
        raise Http404 from None
    now = timezone.now()
    viewer = Viewer.for_person(request.user) if isinstance(request.user, Person) else None
    window = CallWindow(call.first_day, call.last_day)
    context = {
        "here": "calls",
        "call": call,
        "title": programme_title(call.edition),
        "word": window_word(call, now),
        "is_open": window.state(now) is WindowState.OPEN,
        "closes": show_instant(window.closes_at),
        "now": show_instant(now),
        "shortage": SHORTAGE_WORDS[call.shortage],
        "ties": [TIE_WORDS[order] for order in call.ties],
        "evidence": _evidence(call),
        "amendments": list(call.amendments.all()),
        "drafts": drafts_of_call(call, viewer) if viewer else [],
        "amended_by": amended_by(call),
        "frozen_by": frozen_by(call),
        "elsewhere": _elsewhere(viewer, call),
        "officials": _official_pages(viewer, call),
        "may_amend": window.state(now) is not WindowState.CLOSED and _may_amend(request, call, now),
        "papers": read_papers(request, call.number, ("call",)),
        "typed": typed,
        "refused": refusal_html(refused) if refused else "",
        "may_apply": viewer is not None and viewer.role in ("user", "city") and viewer.scope != "read",
    }
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/programmes/call.html", context, status=status)


def _elsewhere(viewer: Viewer | None, call: Call) -> str:
    """Why no draft of the reader's own is taken here, whatever it says: the call is another city's."""
    own = claimant(viewer) if viewer else None
    refusal = find_other_city(call.edition, own) if own else None
    return refusal_html(refusal) if refusal else ""


def _may_amend(request: HttpRequest, call: Call, now: datetime) -> bool:
    if not isinstance(request.user, Person):
        return False
    try:
        spec = load_policy(call.edition.policy).programme(call.edition.key)
    except LawError:
        return False
    return may_amend(call, spec, request.user, now)


def _official_pages(viewer: Viewer | None, call: Call) -> dict[str, bool]:
    """Which pages of the call those have who rank, pay and look: its decision sheet, and the draw of its experts."""
    if viewer is None:
        return {}
    try:
        official_call(viewer, call.number)
    except (NotFound, NotAllowed):
        return {}
    return {"sheet": True, "draw": declared_review(call.edition) is not None}


def _evidence(call: Call) -> list[tuple[str, str]]:
    """The facts of which a file must be there, with what proves each."""
    try:
        _policy, rule = law_of(call)
    except LawError:
        return [(name, "") for name in call.evidence]
    return [(label_of(spec), spec.evidence) for spec in rule.facts if spec.name in call.evidence]
