"""Money that has to come back: who owes how much by when, what came; receipts are booked by who pays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import Refused
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.treasury.lines import typed_fen
from huisuan.portal.treasury.readers import BOOK_READERS, may_move_money
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.number_format import yuan
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.corrections.receipts import debt_to_dict, receive_repayment
from huisuan.programmes.models import Award
from huisuan.treasury.models import Debt
from huisuan.treasury.recoveries import overdue_fen

_OPEN, _OVERDUE, _DONE = Word(_("未退清"), "wait"), Word(_("已逾期"), "bad"), Word(_("已退清"), "good")


def _debts() -> QuerySet[Debt]:
    found = Debt.objects.select_related("account", "party", "city", "line", "commitment")
    return found.prefetch_related("repayments")


def _standing(debt: Debt, day: date) -> Word:
    if not debt.account.balance:
        return _DONE
    return _OVERDUE if overdue_fen(debt, day) else _OPEN


def debt_table(request: HttpRequest) -> Table:
    """What was ever claimed back, the newest first."""
    day = timezone.localdate()

    def states(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [("open", _OPEN.label), ("done", _DONE.label)]

    return Table(
        request,
        _debts(),
        [
            Column("debt", _("追回"), "key", Kind.CODE, "key", link=lambda row: reverse("debt", args=[row.pk])),
            Column("party", _("单位"), lambda row: local_name(row.party or row.city), sort="party__name"),
            Column("state", _("状态"), lambda row: _standing(row, day), Kind.STATE),
            Column("amount", _("须退"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("left", _("未退"), "account.balance", Kind.FEN, "account__balance", "account__balance"),
            Column("overdue", _("逾期"), lambda row: overdue_fen(row, day), Kind.FEN),
            Column("reason", _("理由"), "reason", Kind.SENTENCE, minor=True),
            Column("line", _("预算"), lambda row: str(row.line), minor=True),
            Column("at", _("何时"), "at", Kind.MOMENT, sort="at"),
        ],
        file="debts",
        order="-at",
        search=("key", "party__name", "party__uscc", "reason"),
        choices=[
            Choice(
                "state", _("状态"), states,
                lambda rows, state: rows.filter(account__balance__gt=0) if state == "open"
                else rows.filter(account__balance=0),
            )
        ],
        empty=Empty(_("没有追回：多付的由登记岗位在申报件的页面启动追回，须退多少由平台按更正后的应得算出。")),
    )  # fmt: skip


@allow(*BOOK_READERS)
def debt_list(request: HttpRequest) -> HttpResponseBase:
    """What was ever claimed back."""
    return render_tables(request, "portal/treasury/debts.html", {"here": "debts"}, [debt_table(request)])


@allow(*BOOK_READERS)
@require_http_methods(["GET", "POST"])
def debt_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One debt; POST books what came back, once a voucher."""
    debt = get_object_or_404(_debts(), pk=number)
    if request.method != "POST":
        return _one(request, debt)
    assert isinstance(request.user, Person)
    try:
        fen = typed_fen(request.POST.get("amount", "").strip())
        done = receive_repayment(debt, fen, request.POST.get("voucher", ""), request.user, timezone.now())
    except Refused as refusal:
        return _one(request, debt, refusal)
    messages.success(
        request,
        _t("收到 {fen} 元，追回完毕。").format(fen=yuan(fen))
        if done.recovered
        else _t("收到 {fen} 元，还有 {left} 元未退。").format(fen=yuan(fen), left=yuan(done.left_fen)),
    )
    return redirect("debt", number=number)


def _one(request: HttpRequest, debt: Debt, refused: Refused | None = None) -> HttpResponse:
    day = timezone.localdate()
    context = {
        "here": "debts",
        "debt": debt,
        "owes": local_name(debt.party or debt.city),
        "word": _standing(debt, day),
        "overdue": overdue_fen(debt, day),
        "application": Award.objects.get(key=debt.commitment.award).application.number,
        "repayments": debt.repayments.all(),
        "receipts": debt_to_dict(debt, day)["receipts"],
        "may_pay": bool(debt.account.balance) and may_move_money(request, Duty.PAY),
        "typed": request.POST,
        "refused": refusal_html(refused) if refused else "",
    }
    return render(request, "portal/treasury/debt.html", context, status=refusal_status(refused) if refused else 200)
