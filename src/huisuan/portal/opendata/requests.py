"""Requests for data that is not on the list: asked by firms, answered by cities and the province."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.opendata.catalogue.queries import standing_entries
from huisuan.opendata.models import DataRequest, RequestAnswer
from huisuan.opendata.requests.queries import (
    RequestJudge,
    RequestState,
    count_by_office,
    get_request,
    term_on,
    visible_requests,
)
from huisuan.opendata.requests.services import AskedData, GivenAnswer, answer_request, request_data
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.opendata.views import ACCESS_LABELS, REQUEST_READERS
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables

_ANSWERERS = ("city", "province")
_STATES = {
    RequestState.WAITING: Word(_("待答复"), "wait"), RequestState.OVERDUE: Word(_("逾期未答复"), "bad"),
    RequestState.PLANNED: Word(_("已有计划"), "wait"), RequestState.PLAN_OVERDUE: Word(_("计划已逾期"), "bad"),
    RequestState.ANSWERED: Word(_("已答复"), "good"), RequestState.ANSWERED_LATE: Word(_("逾期后答复"), "plain"),
}  # fmt: skip


def _columns(judge: RequestJudge) -> list[Column]:
    def due(row: DataRequest) -> date | None:
        counted = judge.standing(row).due
        return counted.counted[-1] if counted and counted.ends_at else None

    return [
        Column("number", _("编号"), "pk", Kind.CODE, sort="pk"),
        Column(
            "title", _("需要的数据"), "title", sort="title", link=lambda row: reverse("data-request", args=[row.pk])
        ),
        Column("department", _("部门"), "department", sort="department"),
        Column("region", _("市"), lambda row: local_name(row.region), sort="region_id"),
        Column("asked_on", _("提出日期"), "asked_on", Kind.DAY, sort="asked_on"),
        Column("due", _("答复期满"), due, Kind.DAY),
        Column("state", _("状态"), lambda row: _STATES[judge.standing(row).state], Kind.STATE),
    ]


@allow(*REQUEST_READERS)
def request_list(request: HttpRequest) -> HttpResponseBase:
    """The requests that one may see; for those who answer or watch, what counts against which department."""
    viewer, now = viewer_of(request), timezone.now()
    table = Table(
        request, visible_requests(viewer), _columns(RequestJudge(now)), file="data-requests", order="-number",
        search=("title", "department"), empty=Empty(_("还没有数据需求。")),
    )  # fmt: skip
    offices = [] if viewer.role == "user" else count_by_office(viewer, now)
    regions = {region.code: region for region in Region.objects.filter(code__in=[row["region"] for row in offices])}
    context = {
        "here": "opendata",
        "may_ask": viewer.role == "user",
        "offices": [(row, regions[row["region"]]) for row in offices],
        "term": term_on(_today()),
    }
    return render_tables(request, "portal/opendata/requests.html", context, [table])


@allow("user")
def ask_page(request: HttpRequest) -> HttpResponseBase:
    """Ask a department to list something."""
    refused = ""
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in ("title", "purpose", "department", "region")}
        try:
            made = request_data(AskedData(**given), _person(request), timezone.now())
        except Refused as refusal:
            refused = refusal_html(refusal)
        else:
            messages.success(request, _t("已提出，答复后会收到消息。"))
            return redirect("data-request", number=made.pk)
    departments = standing_entries().order_by("department").values_list("department", flat=True).distinct()
    context = {
        "here": "opendata", "given": request.POST, "refused": refused, "departments": departments[:500],
        "regions": [(region.code, local_name(region)) for region in _asked_regions()],
        "term": term_on(_today()),
    }  # fmt: skip
    return render(request, "portal/opendata/ask.html", context, status=422 if refused else 200)


def _asked_regions() -> list[Region]:
    """The cities and the province that they are in, by code."""
    cities = Region.objects.exclude(code__endswith="0000")
    provinces = {f"{code[:2]}0000" for code in cities.values_list("code", flat=True)}
    return [*Region.objects.filter(code__in=provinces).order_by("code"), *cities.order_by("code")]


def _today() -> date:
    return timezone.now().astimezone(SHANGHAI).date()


@allow(*REQUEST_READERS)
def request_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One request with its answers; who is asked answers here."""
    viewer = viewer_of(request)
    try:
        found = get_request(viewer, number)
    except NotFound as wrong:
        raise Http404 from wrong
    if request.method != "POST":
        return _page(request, found)
    if viewer.role not in _ANSWERERS:
        return _page(request, found, refused=_t("数据需求由所在的市或省专班答复。"), status=403)
    try:
        answer_request(number, _given(request), _person(request), timezone.now())
    except Refused as refusal:
        return _page(request, found, refused=refusal_html(refusal), status=422)
    messages.success(request, _t("已答复，并告知提出的人。"))
    return redirect("data-request", number=number)


def _page(request: HttpRequest, found: DataRequest, *, refused: str = "", status: int = 200) -> HttpResponse:
    standing = RequestJudge(timezone.now()).standing(found)
    is_last = bool(standing.answers) and standing.answers[-1].outcome != "planned"
    context: dict[str, Any] = {
        "here": "opendata", "asked": found, "state": _STATES[standing.state], "due": standing.due,
        "due_day": standing.due.counted[-1] if standing.due and standing.due.ends_at else None,
        "answers": [(each, _outcome(each)) for each in standing.answers], "given": request.POST, "refused": refused,
        "classes": [(each, ACCESS_LABELS[each]) for each in (Access.CONDITIONAL, Access.CLOSED)],
        "may_answer": viewer_of(request).role in _ANSWERERS and not is_last,
    }  # fmt: skip
    return render(request, "portal/opendata/request.html", context, status=status)


def _outcome(answer: RequestAnswer) -> str:
    words = {"listed": _("已列入清单"), "planned": _("计划列入")}
    return str(words.get(answer.outcome) or ACCESS_LABELS[answer.access])


def _given(request: HttpRequest) -> GivenAnswer:
    given = {name: request.POST.get(name, "").strip() for name in ("entry", "access", "ground", "text", "plan")}
    day: date | None = None
    if given["plan"]:
        try:
            day = date.fromisoformat(given["plan"])
        except ValueError:
            raise InvalidRequest(
                f'日期 "{shortened(given["plan"], 20)}" 写法不对；请写成 2027-03-31', code="data_request.day_malformed"
            ) from None
    return GivenAnswer(given["entry"], given["access"], given["ground"], given["text"], day)


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)
