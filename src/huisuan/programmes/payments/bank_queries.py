"""Reading orders and the files that went to the bank."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from huisuan.base.errors import NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person, Role
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.payments.money_posts import orders_of, require_money_post
from huisuan.treasury.models import BankFile, PaymentOrder


def readable_orders(person: Person, now: datetime) -> QuerySet[PaymentOrder]:
    """All for the province and the auditor; for others what the offices pay in which they hold a post today."""
    if person.role in (Role.PROVINCE, Role.AUDITOR):
        return PaymentOrder.objects.all()
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date())
    return orders_of(posts.values_list("office__name", flat=True))


def list_orders(
    person: Person, now: datetime, *, waiting: bool, offset: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many one may read, and some of them as JSON carries them, newest first; `waiting`: in no file yet."""
    found = readable_orders(person, now)
    found = found.filter(bank_line__isnull=True, outcome="") if waiting else found
    rows = found.select_related("instalment__commitment", "bank_line__file").order_by("-pk")[offset : offset + limit]
    return found.count(), [_order_to_dict(order) for order in rows]


def _order_to_dict(order: PaymentOrder) -> dict[str, Any]:
    line = getattr(order, "bank_line", None)
    return {
        "order": order.name, "award": order.instalment.commitment.award, "instalment": order.instalment.number,
        "amount_fen": order.instalment.amount_fen, "payee": order.payee, "account": f"…{order.account_number[-4:]}",
        "bank": order.bank, "outcome": order.outcome or None, "file": str(line.file) if line else None,
        "by": order.by, "at": order.at.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def list_bank_files() -> QuerySet[BankFile]:
    """The newest first, without their bytes."""
    return BankFile.objects.defer("content").order_by("-pk")


def bank_file_to_dict(file: BankFile) -> dict[str, Any]:
    """A file as JSON carries it."""
    return {
        "file": str(file), "orders": file.orders, "total_fen": file.total_fen, "sha256": file.sha256, "by": file.by,
        "at": file.at.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def get_bank_file(number: str, person: Person, now: datetime) -> BankFile:
    """A file with its bytes, for whoever pays.

    Raises:
        NotAllowed: no post to pay in force that day, or it is another office's file.
        NotFound: no such file.
    """
    offices = require_money_post(person, Duty.PAY, now)
    digits = number.upper().removeprefix("B")
    found = BankFile.objects.filter(pk=int(digits)).first() if digits.isdecimal() and len(digits) < 18 else None
    if found is None:
        raise NotFound(f"没有文件 {number}", code="treasury.file_unknown")
    if PaymentOrder.objects.filter(bank_line__file=found).exclude(pk__in=orders_of(offices).values("pk")).exists():
        raise NotAllowed(
            f"文件 {found} 由另一单位送银行：请由该单位的支付岗位下载", code="award.file_of_another_office"
        )
    return found
