"""The publicity desk: what waits to be published, objections with their files, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.inbox import due_word
from huisuan.portal.programmes.words import programme_title, refusal_status
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.list_filters import first_rows
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.amounts.sources import computed_amounts
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.programmes.models import Application, Objection
from huisuan.programmes.notices.answering import answer_objection
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.notices.queries import get_objection, list_publishable, visible_objections
from huisuan.programmes.publicity.objections import answers_due

_OFFICES = ("city", "province", "department", "auditor")
_WAITS = Word(_("待答复"), "wait")
_SHOWN = 200


@allow(*_OFFICES)
def publicity_desk(request: HttpRequest) -> HttpResponseBase:
    """What may be published now, and the objections of one's offices."""
    return _desk(request)


@allow("city", "province", "department")
@require_POST
def publish_page(request: HttpRequest) -> HttpResponseBase:
    """Publish those that are chosen; all of one programme, all of them or none."""
    chosen = request.POST.getlist("number")
    try:
        listed = [
            ListedApplication(number, _fen(request.POST.get(f"amount-{number}", "")), request.POST.get("reason", ""))
            for number in chosen
        ]
        made = publish_notice(listed, request.POST.get("title", ""), _person(request), timezone.now())
    except Refused as refusal:
        return _desk(request, refused=refusal_html(refusal), status=refusal_status(refusal))
    messages.success(request, _t("已公示为 {number}。").format(number=made.number))
    return redirect("notice", number=made.number)


@allow(*_OFFICES)
@require_http_methods(["GET", "POST"])
def answer_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One objection with its files; answered here, once."""
    objection = _objection(request, number)
    if request.method != "POST":
        return _shown(request, objection)
    text = request.POST.get("text", "")
    try:
        answer_objection(number, text, _person(request), timezone.now(), upheld=_upheld(request))
    except Refused as refusal:
        return _shown(request, objection, refusal_html(refusal), refusal_status(refusal))
    messages.success(request, _t("已答复。"))
    return redirect("answer-objection", number=number)


@allow(*_OFFICES)
def objection_file(request: HttpRequest, number: int, file: int) -> HttpResponse:
    """A file that came with an objection, to be kept and not shown in the page."""
    found = _objection(request, number).files.filter(pk=file).first()
    if found is None:
        raise Http404
    answer = HttpResponse(load_evidence(found.sha256), content_type=found.media_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="objection-{number}-{file}"'
    return answer


def _desk(request: HttpRequest, refused: str = "", status: int = 200) -> HttpResponseBase:
    now = timezone.now()
    table = Table(
        request,
        visible_objections(viewer_of(request), now),
        [
            Column("number", _("异议"), "pk", Kind.CODE, sort="pk", link=_address),
            Column("notice", _("公示"), "line.notice.number", sort="line__notice__number"),
            Column("applicant", _("申报单位"), "line.applicant", sort="line__applicant"),
            Column("at", _("收到"), "at", Kind.MOMENT, sort="at"),
            Column("due", _("最晚"), lambda row: due_word(row.due, now), Kind.STATE),
            Column("state", _("状态"), _state, Kind.STATE),
        ],
        prepare=_with_due,
        file="objections",
        order="-at",
        search=("line__applicant", "line__notice__number"),
        empty=Empty(_("没有异议：本单位的公示收到异议后列在这里。")),
    )
    waiting, more = first_rows(list_publishable(_person(request), now), _SHOWN)
    amounts = computed_amounts(waiting)
    context = {
        "here": "publicity-desk", "refused": refused, "title": request.POST.get("title", ""),
        "waiting": [_row(request, one, amounts.get(one.pk)) for one in waiting], "more": more,
    }  # fmt: skip
    answer = render_tables(request, "portal/notices/desk.html", context, [table])
    answer.status_code = status
    return answer


def _with_due(rows: Sequence[Objection]) -> None:
    dues = answers_due(rows)
    for row in rows:
        row.due = None if hasattr(row, "answer") else dues[row.pk]  # type: ignore[attr-defined]


def _row(request: HttpRequest, one: Application, computed: int | None) -> dict[str, Any]:
    return {
        "application": one, "programme": programme_title(one.edition), "computed": computed,
        "applicant": str(one.party.name if one.party else one.city),
        "chosen": one.number in request.POST.getlist("number"), "amount": request.POST.get(f"amount-{one.number}", ""),
    }  # fmt: skip


def _shown(request: HttpRequest, objection: Objection, refused: str = "", status: int = 200) -> HttpResponse:
    answer = getattr(objection, "answer", None)
    context = {
        "here": "publicity-desk", "objection": objection, "line": objection.line, "answer": answer,
        "word": _state(objection), "files": list(objection.files.all()), "refused": refused,
        "text": request.POST.get("text", ""), "may_answer": answer is None and viewer_of(request).role != "auditor",
    }  # fmt: skip
    return render(request, "portal/notices/answer.html", context, status=status)


def _state(row: Objection) -> Word:
    answer = getattr(row, "answer", None)
    if answer is None:
        return _WAITS
    return Word(_("成立，已退回核验"), "bad") if answer.upheld else Word(_("不成立"), "good")


def _upheld(request: HttpRequest) -> bool:
    chosen = request.POST.get("upheld", "")
    if chosen not in ("yes", "no"):
        raise InvalidRequest("请选异议成立或不成立", code="objection.answer_missing")
    return chosen == "yes"


def _fen(text: str) -> int | None:
    if not text.strip():
        return None
    fen = parse_typed_yuan(text)
    if fen is None:
        raise InvalidRequest("金额读不出：以元填写，至多两位小数，如 1234567.85", code="notice.amount_malformed")
    return fen


def _objection(request: HttpRequest, number: int) -> Objection:
    try:
        return get_objection(viewer_of(request), number, timezone.now())
    except NotFound:
        raise Http404 from None


def _address(row: Objection) -> str:
    return reverse("answer-objection", args=[row.pk])


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)
    return request.user
