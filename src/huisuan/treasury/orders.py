"""Payment orders: drawn up for instalments that are due, to the account that the award names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max

from huisuan.base.csv_lines import FORMULA_STARTS
from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.text_length import shortened
from huisuan.treasury.ledger import Act, Movement, ledger_refusals, line_accounts, post_entries
from huisuan.treasury.models import AccountKind, EntryKind, Instalment, PaymentOrder
from huisuan.treasury.models.commitments import OrderOutcome

_ACCOUNT = re.compile(r"[0-9]{8,32}")


@dataclass(frozen=True)
class Payee:
    """Whom an order pays: name, account number (8 to 32 digits), bank."""

    name: str
    account_number: str
    bank: str


def parse_payee(name: str, account_number: str, bank: str) -> Payee:
    """A payee as people type it: full-width digits, spaces and hyphens in the account number are normal.

    Raises:
        InvalidRequest: which field, and why.
    """
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", account_number))
    if not _ACCOUNT.fullmatch(digits):
        raise InvalidRequest(f'账号 "{account_number}"：须为 8 至 32 位数字', code="treasury.account_number_malformed")
    return Payee(_text("收款人", name), digits, _text("开户行", bank))


def _text(field: str, written: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", written).split())
    if not text or len(text) > 200 or text.startswith(FORMULA_STARTS) or not text.isprintable():
        raise InvalidRequest(
            f'{field} "{shortened(text, 40)}"：须为 1 至 200 字，不能以 = + - @ 开头', code="treasury.payee_malformed"
        )
    return text


@transaction.atomic
def order_payments(instalments: Sequence[Instalment], payees: Mapping[int, Payee], act: Act) -> list[PaymentOrder]:
    """Draw up orders for these instalments, all or none; `payees` by the id of the commitment.

    Raises:
        InvalidRequest: a payee is missing.
        Conflict: an instalment is not due yet, or is under order, paid or released.
    """
    ids = [part.pk for part in instalments]
    found = list(
        Instalment.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=ids).select_related("line", "commitment").order_by("pk")
    )  # fmt: skip
    _check(found, payees, act)
    before = dict(
        PaymentOrder.objects.filter(instalment__in=ids).order_by().values_list("instalment").annotate(Max("attempt"))
    )
    accounts = {line.pk: line_accounts(line) for line in {part.line for part in found}}
    moves = [
        Movement(
            f"order:{part.pk}:{before.get(part.pk, 0) + 1}",
            EntryKind.ORDER,
            {
                accounts[part.line_id][AccountKind.COMMITTED]: -part.amount_fen,
                accounts[part.line_id][AccountKind.ORDERED]: part.amount_fen,
            },
        )
        for part in found
    ]
    entries = post_entries(moves, act)
    with ledger_refusals():
        return PaymentOrder.objects.bulk_create(
            PaymentOrder(
                instalment=part, attempt=before.get(part.pk, 0) + 1, payee=payees[part.commitment_id].name,
                account_number=payees[part.commitment_id].account_number, bank=payees[part.commitment_id].bank,
                entry=entry, by=act.by, at=act.now,
            )
            for part, entry in zip(found, entries, strict=True)
        )  # fmt: skip


def _check(instalments: Sequence[Instalment], payees: Mapping[int, Payee], act: Act) -> None:
    living = PaymentOrder.objects.filter(instalment__in=instalments).exclude(outcome=OrderOutcome.FAILED)
    taken = set(living.values_list("instalment", flat=True))
    for part in instalments:
        name = f"{part.commitment.award} 第 {part.number} 期"
        if part.release_id or part.pk in taken:
            raise Conflict(f"{name}：已开支付令、已付或已解除", code="treasury.instalment_taken")
        if part.due_on and act.day < part.due_on:
            raise Conflict(f"{name}：{part.due_on} 才到期", code="treasury.instalment_not_due")
        if part.commitment_id not in payees:
            raise InvalidRequest(f"{name}：没有收款账户", code="treasury.payee_missing")
