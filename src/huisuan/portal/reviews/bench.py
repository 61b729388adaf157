"""The bench of an expert: what I am to review, one with its material and its score sheet, giving up the seat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.applications.form import label_of
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.programmes.words import application_state, programme_title, refusal_status
from huisuan.portal.reviews.acceptance import acceptance_table, waiting_acceptances
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html, refusal_lines
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import Application, PanelSeat, ScoreSheet
from huisuan.programmes.review.plan import declared_review, plan_of
from huisuan.programmes.review_desk.queries import seats_held
from huisuan.programmes.scoring.material import review_file, review_material
from huisuan.programmes.scoring.seats import read_seat, recuse, require_under_review
from huisuan.programmes.scoring.sheets import send_sheet

_SENT, _TO_SCORE = Word(_("已提交"), "good"), Word(_("待评分"), "wait")


@dataclass(frozen=True)
class AskedMark:
    """A criterion on the form: full marks, the marks outside of which a reason is required, and what was typed."""

    key: str
    title: str
    most: int
    least_without_reason: int
    most_without_reason: int
    mark: str
    reason: str


@allow()
def seat_list(request: HttpRequest) -> HttpResponseBase:
    """The seats in which the reader sits now."""
    return show_bench(request)


def show_bench(request: HttpRequest, refused: Refused | None = None) -> HttpResponseBase:
    """The bench, and above it why something was refused."""
    assert isinstance(request.user, Person)
    context = {
        "here": "reviews", "refused": refusal_html(refused) if refused else "", "typed": request.POST,
        "waiting": waiting_acceptances(request.user, timezone.now()),
    }  # fmt: skip
    tables = [_table(request), acceptance_table(request)]
    return render_tables(
        request, "portal/reviews/seats.html", context, tables, refusal_status(refused) if refused else 200
    )


def _table(request: HttpRequest) -> Table:
    def narrow(rows: QuerySet[Any], sent: str) -> QuerySet[Any]:
        return rows.filter(sheet__isnull=sent == "no")

    def states(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [("no", _TO_SCORE.label), ("yes", _SENT.label)]

    return Table(
        request,
        seats_held(viewer_of(request)),
        [
            Column(
                "number", _("编号"), "application.number", Kind.CODE, "application__number",
                link=lambda row: reverse("review-seat", args=[row.application.number]),
            ),
            Column("programme", _("申报程序"), lambda row: programme_title(row.application.edition)),
            Column("call", _("申报通知"), "application.call.number", Kind.CODE, sort="application__call__number"),
            Column("state", _("状态"), lambda row: application_state(row.application.state, "expert"), Kind.STATE),
            Column("sheet", _("评分表"), lambda row: _SENT if hasattr(row, "sheet") else _TO_SCORE, Kind.STATE),
            Column("sent", _("何时提交"), lambda row: getattr(row, "sheet", None) and row.sheet.at, Kind.MOMENT,
                   sort="sheet__at"),
        ],
        file="reviews",
        order="-number",
        search=("application__number", "application__call__number"),
        choices=[Choice("sent", _("评分表"), states, narrow)],
        empty=Empty(_("没有要您评审的申报：抽签抽到您，或候补递补之后，列在这里。")),
    )  # fmt: skip


@allow()
def seat_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """One application as its expert may read it, and the score sheet; nothing of it where a conflict has come up."""
    return _shown(request, number)


@allow()
@require_POST
def score_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Send the sheet, once."""
    assert isinstance(request.user, Person)
    seat, _bar = _seat_or_404(request, number)
    keys = [each.key for each in plan_of(seat.application).criteria.criteria]
    reasons = {key: request.POST.get(f"reason-{key}", "") for key in keys}
    typed = {key: request.POST.get(f"mark-{key}", "").strip() for key in keys}
    try:
        marks = {key: _whole(text) for key, text in typed.items() if text}
        send_sheet(number, marks, reasons, request.user, timezone.now())
    except Refused as refusal:
        return _answered(request, number, refusal)
    messages.success(request, _t("评分表已提交，不能再改。"))
    return redirect("review-seat", number=number)


@allow()
@require_POST
def recuse_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Give up the seat; the next alternate is called."""
    assert isinstance(request.user, Person)
    _seat_or_404(request, number)
    try:
        recuse(number, request.user, request.POST.get("reason", ""), timezone.now())
    except Refused as refusal:
        return _answered(request, number, refusal)
    messages.success(request, _t("{number}：您已回避，由候补专家递补。").format(number=number))
    return redirect("reviews")


@allow()
def review_file_page(request: HttpRequest, number: str, file: int) -> HttpResponseBase:
    """A file of the material, under a neutral name where the review is blind; never opened in place."""
    seat, bar = _seat_or_404(request, number)
    try:
        if bar:
            raise NotAllowed(f"{number}：您{bar}，须回避", code="review.conflict_of_interest")
        name, media_type, content = review_file(seat, file)
    except NotFound:
        raise Http404 from None
    except Refused as refusal:
        return _answered(request, number, refusal)
    response = HttpResponse(content, content_type=media_type)
    named = content_disposition_header(as_attachment=True, filename=name)
    response.headers["Content-Disposition"] = named or "attachment"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _seat_or_404(request: HttpRequest, number: str) -> tuple[PanelSeat, str]:
    assert isinstance(request.user, Person)
    try:
        return read_seat(number, request.user, timezone.now())
    except NotFound:
        raise Http404 from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise InvalidRequest(f"分数 {text[:20]} 须是整数", code="review.mark_malformed")
    return int(text)


def _answered(request: HttpRequest, number: str, refusal: Refused) -> HttpResponseBase:
    """The page again with why it was refused; the list, where the seat was lost meanwhile."""
    assert isinstance(request.user, Person)
    try:
        read_seat(number, request.user, timezone.now())
    except NotFound:
        return show_bench(request, refusal)
    return _shown(request, number, refusal)


def _shown(request: HttpRequest, number: str, refused: Refused | None = None) -> HttpResponse:
    seat, bar = _seat_or_404(request, number)
    application = seat.application
    sent = ScoreSheet.objects.filter(seat=seat).first()
    context = {
        "here": "reviews",
        "application": application,
        "title": programme_title(application.edition),
        "word": application_state(application.state, "expert"),
        "bar": refusal_html(NotAllowed(f"{number}：您{bar}，须回避", code="review.conflict_of_interest"))
        if bar
        else "",
        "why_left": bar,
        "open": _is_open(application),
        "material": None if bar else _in_readers_words(application, review_material(seat)),
        "criteria": _asked(request, application, sent),
        "sent": sent,
        "refused": refusal_lines(refused) if refused else [],
        "reason": request.POST.get("reason", ""),
    }
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/reviews/seat.html", context, status=status)


def _is_open(application: Application) -> bool:
    try:
        require_under_review(application)
    except Refused:
        return False
    return True


def _asked(request: HttpRequest, application: Application, sent: ScoreSheet | None) -> list[AskedMark]:
    criteria = plan_of(application).criteria
    declared = declared_review(application.edition) or {}
    english = {each["key"]: each["en"] for each in declared.get("criteria", ()) if reads_english()}
    return [
        AskedMark(
            each.key, english.get(each.key, each.title), each.most,
            -(-criteria.low_percent * each.most // 100), criteria.high_percent * each.most // 100,
            str(sent.marks.get(each.key, "")) if sent else request.POST.get(f"mark-{each.key}", ""),
            sent.reasons.get(each.key, "") if sent else request.POST.get(f"reason-{each.key}", ""),
        )
        for each in criteria.criteria
    ]  # fmt: skip


def _in_readers_words(application: Application, material: dict[str, Any]) -> dict[str, Any]:
    """The material with its facts called as the reader calls them."""
    try:
        rule = load_policy(application.edition.policy).rule(application.edition.rule_key)
    except LawError:
        return material
    labels, names = {spec.name: label_of(spec) for spec in rule.facts}, {spec.zh: label_of(spec) for spec in rule.facts}
    return material | {
        "facts": [each | {"label": labels.get(each["name"], each["label"])} for each in material["facts"]],
        "known": [each | {"label": labels.get(each["name"], each["label"])} for each in material["known"]],
        "files": [each | {"fact": names.get(each["fact"], each["fact"])} for each in material["files"]],
    }
