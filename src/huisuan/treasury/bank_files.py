"""Files of payment orders for the bank: each order in one of them, ever; the bytes stay as they were handed over."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import plain_yuan
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import BankFile, BankFileLine, PaymentOrder

_COLUMNS = ("序号", "支付令号", "收款人", "账号", "开户行", "金额（元）", "用途")


@transaction.atomic
def make_bank_file(orders: Sequence[PaymentOrder], act: Act) -> BankFile:
    """Put these orders into one file for the bank, in the order of their numbers; the last line is the control sum.

    Raises:
        InvalidRequest: no orders.
        Conflict: one of them is in a file already, or has ended.
    """
    found = list(
        PaymentOrder.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=[order.pk for order in orders]).select_related("instalment__commitment").order_by("pk")
    )  # fmt: skip
    if not found:
        raise InvalidRequest("没有支付令可以送银行", code="treasury.no_orders")
    sent = BankFileLine.objects.filter(order__in=found).values_list("order_id", "file_id").first()
    if sent:
        raise Conflict(
            f"支付令 P{sent[0]} 已在文件 B{sent[1]} 中：一张支付令只送一次", code="treasury.order_sent_before"
        )
    content = _content(found)
    try:
        with transaction.atomic():
            file = BankFile.objects.create(
                sha256=hashlib.sha256(content).hexdigest(), content=content, orders=len(found),
                total_fen=sum(order.instalment.amount_fen for order in found), by=act.by, at=act.now,
            )  # fmt: skip
            BankFileLine.objects.bulk_create(
                BankFileLine(file=file, number=number, order=order) for number, order in enumerate(found, start=1)
            )
    except IntegrityError as error:
        raise Conflict("有的支付令刚刚进了另一个文件：请重新选择", code="treasury.order_sent_before") from error
    return file


def _content(orders: Sequence[PaymentOrder]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(_COLUMNS)
    for number, order in enumerate(orders, start=1):
        part = order.instalment
        purpose = f"{part.commitment.award} 第{part.number}期"
        rows.writerow(
            [number, order.name, order.payee, order.account_number, order.bank, plain_yuan(part.amount_fen), purpose]
        )
    rows.writerow(
        ["合计", len(orders), "", "", "", plain_yuan(sum(order.instalment.amount_fen for order in orders)), ""]
    )
    return text.getvalue().encode("utf-8-sig")
