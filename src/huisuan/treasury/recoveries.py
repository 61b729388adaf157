"""Money that comes back: notified as a debt, received in parts, shown at every later check of the party."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models import QuerySet, Sum

from huisuan.base.codes import fold_code
from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import yuan
from huisuan.base.text_length import check_length
from huisuan.treasury.ledger import Act, Movement, check_amount, line_accounts, post_entries
from huisuan.treasury.models import (
    Account,
    AccountKind,
    AppropriationLine,
    Commitment,
    Debt,
    Entry,
    EntryKind,
    Instalment,
    Repayment,
)
from huisuan.treasury.models.commitments import OrderOutcome

PlannedRepayment = tuple[int, date]  # fen, by when
_LONGEST_VOUCHER = 80  # it is part of the key of an entry: cut, two vouchers would be one


@transaction.atomic
def claim_back(
    key: str,
    commitment: Commitment,
    fen: int,
    reason: str,
    act: Act,
    *,
    repayments: Sequence[PlannedRepayment] = (),
) -> Debt:
    """Notify a party that so much of what an award paid is to come back; the same key again is the same debt.

    `repayments`: in which parts and by when, where that was agreed.

    Raises:
        InvalidRequest: no reason, an amount that cannot be meant, or repayments that do not add up to it.
        Conflict: more than one line paid of it and nobody claimed back yet, or the key names another debt.
    """
    check_amount(fen)
    if not reason.strip() or not key.strip():
        raise InvalidRequest("追回须有编号和理由", code="treasury.reason_missing")
    check_length(key, 80, "编号")
    check_length(reason.strip(), 300, "理由")
    if repayments and sum(part for part, _ in repayments) != fen:
        raise InvalidRequest(f"分期退款合计须是 {yuan(fen)} 元", code="treasury.repayments_do_not_add_up")
    # held until the end, so that two who claim back see one another
    held = Commitment.objects.select_for_update(of=("self",), no_key=True).get(pk=commitment.pk)
    standing = Debt.objects.filter(key=key).first()
    if standing:
        if (standing.commitment_id, standing.amount_fen) != (held.pk, fen):
            raise Conflict(f'追回 "{key}" 已有另外的金额或项目', code="treasury.debt_differs")
        return standing
    line = _line_that_paid(held, fen)
    account = Account.objects.create(kind=AccountKind.RECEIVABLE, line=line, debt=key)
    moved = {account.pk: fen, line_accounts(line)[AccountKind.CLAIMED_BACK]: -fen}
    entry = post_entries([Movement(f"debt:{key}", EntryKind.CLAIM_BACK, moved, reason.strip())], act)[0]
    debt = Debt.objects.create(
        key=key, line=line, party_id=held.party_id, city_id=held.city_id, commitment=held, amount_fen=fen,
        reason=reason.strip(), account=account, entry=entry, by=act.by, at=act.now,
    )  # fmt: skip
    Repayment.objects.bulk_create(
        Repayment(debt=debt, number=number, amount_fen=part, due_on=due_on)
        for number, (part, due_on) in enumerate(repayments, start=1)
    )
    return debt


def _line_that_paid(commitment: Commitment, fen: int) -> AppropriationLine:
    """The newest line that paid so much of an award; instalments that were carried over were paid by another."""
    left = unclaimed_fen(commitment)
    for line in AppropriationLine.objects.filter(pk__in=left).order_by("-year"):
        if left[line.pk] >= fen:
            return line
    raise Conflict(
        f"已付而未通知追回的，一条预算中最多 {yuan(max(left.values(), default=0))} 元，不能追回 {yuan(fen)} 元；"
        "分属两年预算的请分两次通知",
        code="treasury.claims_back_too_much",
    )


@transaction.atomic
def let_go(debt: Debt, fen: int, reason: str, act: Act) -> Entry:
    """Take so much of what is still open of a debt back: it was claimed wrongly, and is paid for good.

    Raises:
        InvalidRequest: no reason, or an amount that cannot be meant.
        Conflict: more than is open.
    """
    check_amount(fen)
    if not reason.strip():
        raise InvalidRequest("追回须有编号和理由", code="treasury.reason_missing")
    account = Account.objects.select_for_update(no_key=True).get(pk=debt.account_id)
    moved = {account.pk: -fen, line_accounts(debt.line)[AccountKind.CLAIMED_BACK]: fen}
    key = f"debt:{debt.key}:less:{account.postings.count()}"
    return post_entries([Movement(key, EntryKind.CLAIM_BACK, moved, reason.strip()[:300])], act)[0]


@transaction.atomic
def receive(debt: Debt, fen: int, voucher: str, act: Act) -> Entry:
    """Book money that a party paid back; once a voucher.

    Raises:
        InvalidRequest: no voucher, or an amount that cannot be meant.
        Conflict: more than is open, or the voucher was booked before.
    """
    check_amount(fen)
    voucher = check_length(voucher.strip(), _LONGEST_VOUCHER, "凭证号")
    code = check_length(fold_code(voucher), _LONGEST_VOUCHER, "凭证号")  # PZ 01 is PZ01
    if not code:
        raise InvalidRequest("收到追回款须写明凭证号", code="treasury.voucher_missing")
    here = line_accounts(debt.line)
    moved = {
        debt.account_id: -fen, here[AccountKind.CLAIMED_BACK]: fen,
        here[AccountKind.PAID]: -fen, here[AccountKind.RECOVERED]: fen,
    }  # fmt: skip
    return post_entries([Movement(f"receipt:{debt.pk}:{code}", EntryKind.RECEIPT, moved, voucher)], act)[0]


def open_debts() -> QuerySet[Debt]:
    """Debts of which something is still to come; the rest is the balance of their account."""
    return Debt.objects.filter(account__balance__gt=0).select_related("account", "party", "city", "line")


def unclaimed_fen(commitment: Commitment) -> dict[int, int]:
    """What the bank paid of an award and nobody has claimed back, by the id of the line; the newest year first."""
    paid = Instalment.objects.filter(commitment=commitment, orders__outcome=OrderOutcome.PAID)
    by_line = paid.order_by("-line__year").values_list("line", "line__year").annotate(Sum("amount_fen"))
    left = {line: fen for line, _, fen in by_line}
    for debt in Debt.objects.filter(commitment=commitment).prefetch_related("account__postings__entry"):
        left[debt.line_id] = left.get(debt.line_id, 0) - debt.claimed_fen
    return left


def overdue_fen(debt: Debt, day: date) -> int:
    """What should have come back of a debt before a day and has not; nothing where no days were agreed."""
    due = sum(part.amount_fen for part in debt.repayments.all() if part.due_on < day)
    return max(0, due - (debt.amount_fen - debt.account.balance))
