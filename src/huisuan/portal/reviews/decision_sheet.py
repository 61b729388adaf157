"""The decision sheet of a call: scores, spread, amounts, running sum, the cut and what is next to it; frozen here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, F, Func, IntegerField, QuerySet, Value
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import Conflict, Refused
from huisuan.documents.typesetting import PDF_TYPE
from huisuan.law.budget import PoolMode
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.calls import SHORTAGE_WORDS, TIE_WORDS
from huisuan.portal.programmes.inbox import applicant_name
from huisuan.portal.programmes.words import application_state, programme_title, refusal_status
from huisuan.portal.reviews.draw import REVIEW_READERS, reviewed_call
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import Application, Call
from huisuan.programmes.review.plan import declared_review
from huisuan.programmes.review.ranking import SheetLine, SheetStatus, TieOrder
from huisuan.programmes.review_desk.decision_sheet import ShownSheet, freeze_sheet, may_freeze, show_sheet
from huisuan.settlement.statements.workbook import XLSX_TYPE

_STATUS = {
    SheetStatus.FUNDED: Word(_("拟足额支持"), "good"), SheetStatus.PARTLY_FUNDED: Word(_("拟部分支持"), "wait"),
    SheetStatus.WAITING: Word(_("推荐，候补"), "wait"), SheetStatus.NOT_RECOMMENDED: Word(_("不推荐"), "bad"),
}  # fmt: skip

_PLACED = Word(_("拟入选（不拨款）"), "good")


@allow(*REVIEW_READERS)
@require_http_methods(["GET", "POST"])
def decision_sheet_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """The sheet as it stands, or would stand; POST freezes it, once."""
    call = reviewed_call(request, number)
    if request.method != "POST":
        return _shown(request, call)
    assert isinstance(request.user, Person)
    try:
        frozen = freeze_sheet(number, request.user, timezone.now())
    except Refused as refusal:
        return _shown(request, call, refusal)
    messages.success(request, _t("决策表已冻结，摘要 {digest}…；此后以它为准。").format(digest=frozen.digest[:12]))
    return redirect("decision-sheet", number=number)


@allow(*REVIEW_READERS)
def decision_sheet_file(request: HttpRequest, number: str) -> HttpResponseBase:
    """The whole sheet as a workbook, with what was declared before."""
    return _file(request, number, ShownSheet.to_workbook, XLSX_TYPE, "xlsx")


@allow(*REVIEW_READERS)
def decision_sheet_pdf(request: HttpRequest, number: str) -> HttpResponseBase:
    """The frozen sheet as it is signed: what was declared before, the lines as annexes."""
    return _file(request, number, ShownSheet.to_pdf, PDF_TYPE, "pdf")


def _file(
    request: HttpRequest, number: str, write: Callable[[ShownSheet], bytes], media_type: str, ending: str
) -> HttpResponseBase:
    call = reviewed_call(request, number)
    try:
        content = write(show_sheet(viewer_of(request), call.number))
    except Refused as refusal:
        return _shown(request, call, refusal)
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="decision-sheet-{call.number}.{ending}"'
    return response


def _shown(request: HttpRequest, call: Call, refused: Refused | None = None) -> HttpResponseBase:
    assert isinstance(request.user, Person)
    shown: ShownSheet | None = None
    why_none: Conflict | None = None
    try:
        shown = show_sheet(viewer_of(request), call.number)
    except Conflict as conflict:
        why_none = conflict
    context = {
        "here": "calls",
        "call": call,
        "title": programme_title(call.edition),
        "by_experts": declared_review(call.edition) is not None,
        "shown": shown,
        "frozen": shown.frozen if shown else None,
        "digest": (shown.frozen.digest if shown.frozen else shown.sheet.digest) if shown else "",
        "left_fen": shown.sheet.terms.budget_fen - shown.sheet.funded_fen if shown else None,
        "waiting": _count(shown, SheetStatus.WAITING),
        "marginal": [line.application.key for line in shown.sheet.marginal()] if shown else [],
        "shortage": SHORTAGE_WORDS[PoolMode(call.shortage)],
        "ties": [TIE_WORDS[TieOrder(order)] for order in call.ties],
        "lowest": _figure(shown.sheet.terms.lowest_score) if shown else "",
        "may_freeze": may_freeze(call, request.user, timezone.now()),
        "refused": refusal_html(refused) if refused else "",
        "why_none": refusal_html(why_none) if why_none else "",
    }
    status = refusal_status(refused) if refused else 200
    tables = [_table(request, call, shown)]
    return render_tables(request, "portal/reviews/decision_sheet.html", context, tables, status=status)


def _count(shown: ShownSheet | None, status: SheetStatus) -> int:
    return sum(line.status is status for line in shown.sheet.lines) if shown else 0


def _table(request: HttpRequest, call: Call, shown: ShownSheet | None) -> Table:
    sheet = {line.application.key: line for line in shown.sheet.lines} if shown else {}
    marginal = {line.application.key for line in shown.sheet.marginal()} if shown else set()

    def prepare(rows: Sequence[Any]) -> None:
        for row in rows:
            row.line = sheet[row.number]

    def statuses(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        present = {line.status for line in sheet.values() if not line.only_placed}
        found: list[tuple[str, Text]] = [(key.value, word.label) for key, word in _STATUS.items() if key in present]
        if any(line.only_placed for line in sheet.values()):
            found.insert(0, ("placed", _PLACED.label))
        return [*found, *([("marginal", _("预算边缘"))] if marginal else [])]

    def narrow(rows: QuerySet[Any], status: str) -> QuerySet[Any]:
        said = {key: "placed" if line.only_placed else str(line.status) for key, line in sheet.items()}
        of_status = [key for key, word in said.items() if word == status]
        return rows.filter(number__in=marginal if status == "marginal" else of_status)

    numbers = Value(list(sheet), output_field=ArrayField(CharField()))
    place = Func(numbers, F("number"), function="array_position", output_field=IntegerField())
    rows = Application.objects.filter(call=call, number__in=list(sheet)).annotate(place=place)
    return Table(
        request,
        rows.select_related("party", "city"),
        [
            Column("rank", _("名次"), "line.rank", Kind.INTEGER, sort="place"),
            Column("number", _("编号"), "number", Kind.CODE, "number",
                   link=lambda row: reverse("application", args=[row.number])),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("score", _("得分"), lambda row: _figure(row.line.application.score), Kind.CODE),
            Column("spread", _("极差"), lambda row: _figure(row.line.application.spread), Kind.CODE, minor=True),
            Column("owed", _("应拨"), "line.application.owed_fen", Kind.FEN),
            Column("running", _("累计应拨"), "line.running_fen", Kind.FEN, minor=True),
            Column("funded", _("拟拨"), "line.funded_fen", Kind.FEN),
            Column("status", _("意见"), lambda row: _word(row.line), Kind.STATE),
            Column("marginal", _("预算边缘"), lambda row: _t("是") if row.number in marginal else ""),
            Column("tie", _("同分依据"), lambda row: _tie(row.line.tie), minor=True),
            Column("state", _("状态"), lambda row: application_state(row.state, "province"), Kind.STATE, minor=True),
        ],
        file=f"decision-sheet-{call.number}",
        order="rank",
        search=("number", "party__name"),
        choices=[Choice("status", _("意见"), statuses, narrow)],
        empty=Empty(_("决策表还是空的：评审完成（没有专家评审的，核验通过）之后，申报列在这里。")),
        prepare=prepare,
    )  # fmt: skip


def _word(line: SheetLine) -> Word:
    return _PLACED if line.only_placed else _STATUS[line.status]


def _tie(tie: str) -> Text:
    if not tie:
        return ""
    return _t("抽签决定") if tie == "lot" else TIE_WORDS[TieOrder(tie)]


def _figure(value: Fraction) -> str:
    """To two decimals, half up; the exact fraction stands in the workbook."""
    cents = (value * 200 + 1) // 2
    return str(Decimal(cents).scaleb(-2))
