"""Payment orders and the files in which they go to the bank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotAllowed, NotFound, Refused
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.application_money import ORDER_WORDS
from huisuan.portal.treasury.readers import BOOK_KEEPERS, BOOK_READERS, may_move_money
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import Award
from huisuan.programmes.payments.bank_queries import get_bank_file, readable_orders
from huisuan.programmes.payments.returns import send_orders
from huisuan.treasury.models import BankFile


def order_table(request: HttpRequest) -> Table:
    """Every order that one may read, the newest first."""
    assert isinstance(request.user, Person)

    def prepare(rows: Sequence[Any]) -> None:
        keys = {row.instalment.commitment.award for row in rows}
        numbers = dict(Award.objects.filter(key__in=keys).values_list("key", "application__number"))
        for row in rows:
            row.application_number = numbers.get(row.instalment.commitment.award, "")

    mine = readable_orders(request.user, timezone.now())
    return Table(
        request,
        mine.select_related("instalment__commitment", "instalment__line", "bank_line"),
        [
            Column("number", _("支付令"), "name", Kind.CODE, sort="id"),
            Column("award", _("申报"), "application_number", Kind.CODE, link=_application),
            Column("part", _("期"), lambda row: str(row.instalment.number)),
            Column("payee", _("收款人"), "payee", sort="payee"),
            Column("account", _("账号"), lambda row: f"…{row.account_number[-4:]}", Kind.CODE),
            Column("amount", _("金额"), "instalment.amount_fen", Kind.FEN, "instalment__amount_fen",
                   "instalment__amount_fen"),
            Column("state", _("状态"), _word, Kind.STATE, sort="outcome"),
            Column("file", _("文件"), _file, Kind.CODE, sort="bank_line__file"),
            Column("at", _("开出"), "at", Kind.MOMENT, sort="at", minor=True),
        ],
        file="payment-orders",
        order="-number",
        search=("payee", "instalment__commitment__award", "bank"),
        choices=[
            Choice("state", _("状态"), lambda _rows: [*_STATES], _with_state),
            Choice("year", _("年度"), _years, lambda rows, year: rows.filter(instalment__line__year=year)),
        ],
        empty=Empty(_("还没有支付令：资金下达后，由支付岗位对到期的分期开出。")),
        prepare=prepare,
    )  # fmt: skip


_UNSENT = Word(_("未送银行"), "wait")
_STATES = (("unsent", _("未送银行")), ("sent", _("等银行回单")), ("paid", _("已支付")), ("failed", _("支付失败")))


def _with_state(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
    if state in ("unsent", "sent"):
        return rows.filter(outcome="", bank_line__isnull=state == "unsent")
    return rows.filter(outcome=state)


def _years(rows: QuerySet[Any]) -> list[tuple[str, str]]:
    return [
        (str(year), str(year)) for year in sorted(set(rows.order_by().values_list("instalment__line__year", flat=True)))
    ]


def _word(row: Any) -> Any:
    return _UNSENT if not row.outcome and not _file(row) else ORDER_WORDS[row.outcome]


def _file(row: Any) -> str:
    line = getattr(row, "bank_line", None)
    return f"B{line.file_id}" if line else ""


def _application(row: Any) -> str | None:
    return reverse("application", args=[row.application_number]) if row.application_number else None


@allow(*BOOK_READERS)
def order_list(request: HttpRequest) -> HttpResponseBase:
    """The orders, and how many wait to be sent."""
    assert isinstance(request.user, Person)
    mine = readable_orders(request.user, timezone.now())
    waiting = mine.filter(bank_line__isnull=True, outcome="").count()
    context = {"here": "orders", "waiting": waiting, "may_pay": may_move_money(request, Duty.PAY)}
    return render_tables(request, "portal/treasury/orders.html", context, [order_table(request)])


@allow(*BOOK_KEEPERS)
@require_POST
def send_waiting_orders(request: HttpRequest) -> HttpResponseBase:
    """Put all orders that wait into one file for the bank."""
    assert isinstance(request.user, Person)
    try:
        file = send_orders(request.user, timezone.now())
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("orders")
    messages.success(request, _t("文件 {name} 已生成：下载后送银行。").format(name=str(file)))
    return redirect("bank-files")


@allow(*BOOK_READERS)
def bank_file_list(request: HttpRequest) -> HttpResponseBase:
    """The files for the bank; whoever pays may download them."""
    pays = may_move_money(request, Duty.PAY)

    def download(row: Any) -> str | None:
        return reverse("bank-file", args=[row.pk]) if pays else None

    table = Table(
        request,
        BankFile.objects.defer("content"),
        [
            Column("name", _("文件"), str, Kind.CODE, sort="id", link=download),
            Column("orders", _("支付令"), "orders", Kind.INTEGER, sort="orders", total="orders"),
            Column("total", _("控制总额"), "total_fen", Kind.FEN, sort="total_fen", total="total_fen"),
            Column("sha256", _("摘要"), "sha256", Kind.LONG_CODE),
            Column("by", _("谁"), "by", Kind.CODE, sort="by"),
            Column("at", _("何时"), "at", Kind.MOMENT, sort="at"),
        ],
        file="bank-files",
        order="-name",
        search=("sha256", "by"),
        empty=Empty(_("还没有送银行的文件：在支付令页一次生成。"), link=reverse("orders"), link_text=_("支付令")),
    )
    return render_tables(request, "portal/treasury/bank_files.html", {"here": "orders"}, [table])


@allow(*BOOK_KEEPERS)
def bank_file(request: HttpRequest, number: int) -> HttpResponse:
    """A file as it was made, byte for byte, for whoever pays: it says every account in full."""
    assert isinstance(request.user, Person)
    try:
        found = get_bank_file(str(number), request.user, timezone.now())
    except NotFound:
        raise Http404 from None
    except NotAllowed:
        raise PermissionDenied from None
    response = HttpResponse(bytes(found.content), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{found}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response
