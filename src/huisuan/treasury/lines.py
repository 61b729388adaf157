"""Budget lines: opened, given money, and closed at the end of their year."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.codes import fold_code
from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.text_length import check_length
from huisuan.treasury.commitments import open_instalments
from huisuan.treasury.ledger import Act, Movement, check_amount, line_accounts, post_entries
from huisuan.treasury.models import Account, AccountKind, AppropriationLine, Entry, EntryKind, Instalment

_OF_A_LINE = (
    AccountKind.APPROPRIATED, AccountKind.AVAILABLE, AccountKind.COMMITTED, AccountKind.ORDERED, AccountKind.PAID,
    AccountKind.LAPSED, AccountKind.CLAIMED_BACK, AccountKind.RECOVERED,
)  # fmt: skip
_LONGEST_DOCUMENT = 80  # it is part of the key of an entry: cut, two documents would be one
_MIRRORS = (AccountKind.APPROPRIATED, AccountKind.CLAIMED_BACK)


@transaction.atomic
def open_line(policy: str, sentence: str, year: int, office: str, by: str, now: datetime) -> AppropriationLine:
    """A line with its accounts, all empty; the one that stands if there is one."""
    line, made = AppropriationLine.objects.get_or_create(
        policy=policy, sentence=sentence, year=year, office=office, defaults={"opened_by": by, "opened_at": now}
    )
    if made:
        Account.objects.bulk_create(
            Account(kind=kind, line=line, floor=None if kind in _MIRRORS else 0) for kind in _OF_A_LINE
        )
    return line


@transaction.atomic
def appropriate(line: AppropriationLine, fen: int, document: str, act: Act) -> Entry:
    """Give money to a line, or take back (negative) what is still available; once a document.

    Raises:
        InvalidRequest: no document, or an amount out of bounds.
        Conflict: the document was entered before, or less is available than is taken back.
    """
    document = check_length(document.strip(), _LONGEST_DOCUMENT, "文号")
    code = check_length(fold_code(document), _LONGEST_DOCUMENT, "文号")  # 财建〔2024〕1号 is 财建[2024]1号
    if not code:
        raise InvalidRequest("下达预算须写明文号", code="treasury.document_missing")
    check_amount(abs(fen))
    accounts = line_accounts(line)
    moved = {accounts[AccountKind.APPROPRIATED]: -fen, accounts[AccountKind.AVAILABLE]: fen}
    key = f"appropriation:{line.pk}:{code}"
    return post_entries([Movement(key, EntryKind.APPROPRIATION, moved, document)], act)[0]


@transaction.atomic
def carry_over(line: AppropriationLine, into: AppropriationLine, act: Act) -> int:
    """Move what is still committed and not ordered to a later year's line of the same policy, sentence and office.

    Returns how many instalments it moved.

    Raises:
        Conflict: nothing is committed there, or the other line is no later one of the same.
    """
    same = (line.policy, line.sentence, line.office) == (into.policy, into.sentence, into.office)
    if not same or into.year <= line.year:
        raise Conflict("只能结转到同一政策、同一句、同一部门以后年度的预算", code="treasury.carried_elsewhere")
    held = (
        open_instalments(line).select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", flat=True)
    )
    # read again once they are held: an order that somebody gave meanwhile is seen by a statement of its own only
    found = dict(open_instalments(line).filter(pk__in=list(held)).order_by("pk").values_list("pk", "amount_fen"))
    if not found:
        raise Conflict("这条预算没有未支付的承诺：没有可结转的", code="treasury.nothing_to_carry")
    total, here, there = sum(found.values()), line_accounts(line), line_accounts(into)
    moved = {
        here[AccountKind.COMMITTED]: -total, here[AccountKind.APPROPRIATED]: total,
        there[AccountKind.APPROPRIATED]: -total, there[AccountKind.COMMITTED]: total,
    }  # fmt: skip
    key = f"carry_over:{line.pk}:{into.pk}:{min(found)}"
    post_entries([Movement(key, EntryKind.CARRY_OVER, moved, f"{len(found)} 期结转至 {into.year} 年")], act)
    return Instalment.objects.filter(pk__in=found).update(line=into)


@transaction.atomic
def lapse(line: AppropriationLine, act: Act) -> Entry:
    """Take back at the end of the year all that nobody was promised.

    Raises:
        Conflict: nothing is left, or it was done before.
    """
    accounts = line_accounts(line)
    left = Account.objects.select_for_update(no_key=True).get(pk=accounts[AccountKind.AVAILABLE]).balance
    if not left:
        raise Conflict("这条预算没有可用余额：没有可收回的", code="treasury.nothing_left")
    moved = {accounts[AccountKind.AVAILABLE]: -left, accounts[AccountKind.LAPSED]: left}
    before = Entry.objects.filter(key__startswith=f"lapse:{line.pk}:").count()  # the line is locked by its account
    return post_entries([Movement(f"lapse:{line.pk}:{before + 1}", EntryKind.LAPSE, moved)], act)[0]
