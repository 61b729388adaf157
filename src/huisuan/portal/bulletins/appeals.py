"""Appeals against scores: made by cities from a bulletin, answered by the province, each with its last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from huisuan.base.errors import NotFound, Refused
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.queries import (
    AppealState,
    appeal_standing,
    appeal_window,
    appealable_rows,
    criteria_of,
    get_appeal,
    list_delegates,
    visible_appeals,
)
from huisuan.bulletins.appeals.services import MadeAppeal, answer_appeal, make_appeal, set_delegate
from huisuan.bulletins.desk.queries import get_issue
from huisuan.bulletins.models import ScoreAppeal
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables

_READERS = ("city", "province", "auditor")
_STATES: Mapping[AppealState, Word] = {
    AppealState.WAITING: Word(_("待答复"), "wait"), AppealState.OVERDUE: Word(_("逾期未答复"), "bad"),
    AppealState.REJECTED: Word(_("不成立"), "plain"), AppealState.UPHELD: Word(_("成立，待更正"), "wait"),
    AppealState.CORRECTED: Word(_("成立，已更正"), "good"),
}  # fmt: skip


def _columns() -> list[Column]:
    now, names = timezone.now(), {one.code: local_name(one) for one in Region.objects.all()}

    def due(row: ScoreAppeal) -> date | None:
        ends = appeal_standing(row, now).due
        return ends.astimezone(SHANGHAI).date() - timedelta(days=1) if ends else None

    return [
        Column("number", _("编号"), "pk", Kind.CODE, sort="pk", link=_address),
        Column("issue", pgettext_lazy("one", "通报"), "issue.number", sort="issue__number", link=_address),
        Column("region", _("地方"), lambda row: names.get(row.region, row.region), sort="region"),
        Column("office", _("部门"), "office", sort="office"),
        Column("at", pgettext_lazy("appeal", "提出时间"), "at", Kind.MOMENT, sort="at"),
        Column("due", _("答复期满"), due, Kind.DAY),
        Column("state", _("状态"), lambda row: _STATES[appeal_standing(row, now).state], Kind.STATE),
    ]


def _address(row: ScoreAppeal) -> str:
    return reverse("bulletin-appeal", args=[row.pk])


@allow(*_READERS)
def appeals_page(request: HttpRequest) -> HttpResponseBase:
    """The appeals that one may see; the province says here who speaks for its departments."""
    person, refused, given = _person(request), "", request.POST
    if request.method == "POST":
        try:
            set_delegate(
                given.get("department", ""), given.get("person", ""), given.get("do") != "end", person, timezone.now()
            )
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            return redirect("bulletin-appeals")
    table = Table(
        request, visible_appeals(person), _columns(), file="appeals", order="-number",
        search=("issue__number", "office"), empty=Empty(_("还没有异议；市从一份通报提出。")),
    )  # fmt: skip
    context = {
        "here": "bulletins", "delegates": list_delegates() if person.role == "province" else [], "refused": refused,
        "given": given, "may_delegate": person.role == "province",
    }  # fmt: skip
    answer = render_tables(request, "portal/bulletins/appeals.html", context, [table])
    answer.status_code = 422 if refused else answer.status_code
    return answer


@allow(*_READERS)
def appeal_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One appeal; the province answers it here."""
    person, now, refused = _person(request), timezone.now(), ""
    try:
        appeal = get_appeal(person, number)
    except NotFound as wrong:
        raise Http404 from wrong
    if request.method == "POST":
        try:
            answer_appeal(number, request.POST.get("do") == "uphold", request.POST.get("text", ""), person, now)
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            messages.success(request, _t("已答复。"))
            return redirect("bulletin-appeal", number=number)
    standing = appeal_standing(appeal, now)
    context: dict[str, Any] = {
        "here": "bulletins", "appeal": appeal, "standing": standing, "state": _STATES[standing.state],
        "region": Region.objects.filter(code=appeal.region).first(), "refused": refused, "given": request.POST,
        "criterion": criteria_of(appeal.issue).get(appeal.criterion, ""), "newer": appeal.issue,
        "due": standing.due - timedelta(days=1) if standing.due else None,
        "may_answer": standing.answer is None and person.role == "province",
        "to_correct": standing.state == AppealState.UPHELD and person.role == "province",
    }  # fmt: skip
    return render(request, "portal/bulletins/appeal.html", context, status=422 if refused else 200)


@allow("city", "province")
def make_appeal_page(request: HttpRequest, number: int) -> HttpResponse:
    """Appeal against what a bulletin says of one's city, of a department in it, or of one's own department."""
    try:
        issue = get_issue(number)
    except NotFound as wrong:
        raise Http404 from wrong
    person, refused, given = _person(request), "", request.POST
    if request.method == "POST":
        region, _sign, office = given.get("place", "").partition(" ")
        made = MadeAppeal(region, office, given.get("criterion", ""), given.get("text", ""))
        try:
            appeal = make_appeal(number, made, person, timezone.now())
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            messages.success(request, _t("已提出异议。"))
            return redirect("bulletin-appeal", number=appeal.pk)
    names = {one.code: local_name(one) for one in Region.objects.all()}
    window = appeal_window(issue)
    places = appealable_rows(issue, person, timezone.now())
    context = {
        "here": "bulletins", "issue": issue, "given": given, "refused": refused,
        "places": [(f"{region} {office}".strip(), office or names.get(region, region)) for region, office in places],
        "criteria": list(criteria_of(issue).items()),
        "last_day": window.counted[-1] if window and window.ends_at else None,
    }  # fmt: skip
    return render(request, "portal/bulletins/make_appeal.html", context, status=422 if refused else 200)


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)
