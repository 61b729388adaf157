"""What came back from the bank: files of returns, their lines, and those that fitted no order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.sentences.page import sentence_html
from huisuan.portal.treasury.readers import BOOK_READERS, may_move_money
from huisuan.portal.treasury.words import OUTCOME_WORDS, UNMATCHED_WORDS
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html, refusal_lines
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.payments.returns import import_bank_returns, resolve_return
from huisuan.treasury.line_queries import unmatched_lines
from huisuan.treasury.models import BankReturn, BankReturnLine

_LARGEST = 8 * 1024 * 1024  # bytes


def return_table(request: HttpRequest) -> Table:
    """Every line that the bank sent, the newest file first."""

    def files(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(str(each.pk), f"{each} {each.name}") for each in BankReturn.objects.filter(lines__in=rows).distinct()]

    def prepare(rows: Sequence[Any]) -> None:
        waiting = set(unmatched_lines().filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
        for row in rows:
            row.waits = row.pk in waiting

    return Table(
        request,
        BankReturnLine.objects.select_related("file", "order"),
        [
            Column("number", _("回单"), lambda row: f"R{row.file_id}/{row.number}", Kind.CODE, "id", link=_address),
            Column("order", _("支付令"), "order_name", Kind.CODE, sort="order_name"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("said", _("银行说"), lambda row: _t("成功") if row.succeeded else _t("失败"), sort="succeeded"),
            Column("outcome", _("处理结果"), lambda row: OUTCOME_WORDS[row.outcome], Kind.STATE, sort="outcome"),
            Column("why", _("为何不符"), lambda row: str(UNMATCHED_WORDS.get(row.why, row.why))),
            Column("waits", _("等人处理"), lambda row: _t("是") if row.waits else ""),
            Column("reason", _("银行的原因"), "bank_reason", minor=True),
            Column("at", _("何时"), "file.at", Kind.MOMENT, sort="file__at", minor=True),
        ],
        file="bank-returns",
        order="-number",
        search=("order_name", "bank_reason", "file__name"),
        choices=[
            Choice("outcome", _("处理结果"), lambda _rows: [*_OUTCOMES], _with_outcome),
            Choice("file", _("文件"), files, lambda rows, file: rows.filter(file=file)),
        ],
        empty=Empty(_("还没有银行回单：由支付岗位导入银行给的文件，同一文件导入两次只记一次。")),
        prepare=prepare,
    )


_OUTCOMES: tuple[tuple[str, Text], ...] = (
    ("waiting", _("等人处理")), *((outcome, word.label) for outcome, word in OUTCOME_WORDS.items()),
)  # fmt: skip


def _with_outcome(rows: QuerySet[Any], outcome: str) -> QuerySet[Any]:
    if outcome == "waiting":
        return rows.filter(pk__in=unmatched_lines().order_by().values("pk"))
    return rows.filter(outcome=outcome)


def _address(row: Any) -> str:
    return reverse("bank-return", args=[row.pk])


@allow(*BOOK_READERS)
@require_http_methods(["GET", "POST"])
def return_list(request: HttpRequest) -> HttpResponseBase:
    """The lines; POST books a file of returns."""
    if request.method != "POST":
        return _listed(request)
    assert isinstance(request.user, Person)
    try:
        booked = import_bank_returns(*_given(request), request.user, timezone.now())
    except Refused as refusal:
        return _listed(request, refusal)
    text = _t("{file}：已入账，{n} 件支付完毕。") if booked.new else _t("{file}：以前导入过，没有再记。")
    messages.success(request, text.format(file=str(booked.file), n=len(booked.completed)))
    for each in booked.refused.values():
        messages.warning(request, refusal_html(each))
    for number, why in booked.not_entered.items():
        said = _t("{number}：已支付，但专款名录没有记上；改正名录后再导入同一文件即补记。").format(number=number)
        messages.warning(request, format_html("{} {}", said, sentence_html(why)))
    return redirect(reverse("returns") + f"?file={booked.file.pk}")


def _given(request: HttpRequest) -> tuple[bytes, str]:
    given = request.FILES.get("file")
    if given is None or given.size is None:
        raise InvalidRequest("请选择银行给的回单文件（CSV）", code="treasury.returns_missing")
    if given.size > _LARGEST:
        raise InvalidRequest("回单文件不超过 8 MB：请分成几个", code="treasury.returns_too_large")
    return given.read(), given.name or ""


def _listed(request: HttpRequest, refused: Refused | None = None) -> HttpResponseBase:
    context = {
        "here": "returns",
        "may_pay": may_move_money(request, Duty.PAY),
        "waiting": unmatched_lines().count(),
        "refused": refusal_lines(refused) if refused else [],
    }
    status = refusal_status(refused) if refused else 200
    return render_tables(request, "portal/treasury/returns.html", context, [return_table(request)], status=status)


@allow(*BOOK_READERS)
@require_http_methods(["GET", "POST"])
def return_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One line; POST takes one that fitted no order out of clearing, with the reason."""
    line = BankReturnLine.objects.select_related("file", "order", "entry").filter(pk=number).first()
    if line is None:
        raise Http404
    if request.method != "POST":
        return _one(request, line, "")
    assert isinstance(request.user, Person)
    reason = request.POST.get("reason", "").strip()
    try:
        resolve_return(line, request.user, timezone.now(), reason)
    except Refused as refusal:
        return _one(request, line, reason, refusal)
    messages.success(request, _t("已移出待清算。"))
    return redirect("bank-return", number=number)


def _one(request: HttpRequest, line: BankReturnLine, reason: str, refused: Refused | None = None) -> HttpResponse:
    waits = unmatched_lines().filter(pk=line.pk).exists()
    reversal = getattr(line.entry, "reversed_by", None) if line.entry else None
    context = {
        "here": "returns",
        "line": line,
        "word": OUTCOME_WORDS[line.outcome],
        "why": UNMATCHED_WORDS.get(line.why, line.why),
        "waits": waits,
        "may_resolve": waits and may_move_money(request, Duty.PAY),
        "reversal": reversal,
        "reason": reason,
        "refused": refusal_html(refused) if refused else "",
    }
    return render(request, "portal/treasury/return.html", context, status=refusal_status(refused) if refused else 200)
