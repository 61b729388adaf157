"""What was paid above what was owed comes back in parts, never more than was paid."""

from __future__ import annotations

from datetime import date

import pytest

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.check import prove
from huisuan.treasury.models import Commitment
from huisuan.treasury.recoveries import claim_back, let_go, open_debts, overdue_fen, receive, unclaimed_fen
from support.treasury import ACT, balances, committed, line, ordered, returned, sent

pytestmark = pytest.mark.django_db


def paid(*fen: int) -> Commitment:
    """An award of which the first instalment was paid."""
    award = committed(line(100_000), "甲", *fen)
    order = ordered(award)
    sent(order)
    import_returns(returned(f"{order.name},{fen[0] // 100}.{fen[0] % 100:02d},成功,"), "x.csv", ACT)
    return award


def test_a_debt_is_received_in_parts_and_shows_until_it_is_settled() -> None:
    award = paid(30_000, 20_000)
    debt = claim_back("E7-2024", award, 12_345, "用量更正后应付减少", ACT)
    assert claim_back("E7-2024", award, 12_345, "又点了一次", ACT) == debt
    receive(debt, 10_000, "进账单 18", ACT)
    assert [found.account.balance for found in open_debts()] == [2_345]
    for again in ("进账单 18", "进账单１８"):
        with pytest.raises(Conflict, match="已经记过"):
            receive(debt, 10_000, again, ACT)
    with pytest.raises(Conflict, match="余额不够"):
        receive(debt, 2_346, "进账单 19", ACT)
    receive(debt, 2_345, "进账单 19", ACT)
    assert not open_debts()
    assert balances(line(0)) == {
        "appropriated": -100_000, "available": 50_000, "committed": 20_000, "paid": 17_655, "recovered": 12_345
    }  # fmt: skip
    assert prove().holds


def test_no_more_is_claimed_back_than_was_paid() -> None:
    award = paid(30_000, 20_000)
    claim_back("一", award, 20_000, "更正", ACT)
    with pytest.raises(Conflict, match=r"最多 100.00 元，不能追回 100.01 元"):
        claim_back("二", award, 10_001, "更正", ACT)
    with pytest.raises(Conflict, match="已有另外的金额"):
        claim_back("一", award, 1, "更正", ACT)
    for key, reason, fen in (("", "更正", 1), ("三", "", 1), ("三", "更正", 0)):
        with pytest.raises(InvalidRequest):
            claim_back(key, award, fen, reason, ACT)
    claim_back("二", award, 10_000, "更正", ACT)
    assert prove().holds


def test_two_long_vouchers_of_one_beginning_are_two_receipts_and_one_that_is_too_long_is_refused() -> None:
    debt = claim_back("E9", paid(30_000), 12_345, "用量更正后应付减少", ACT)
    for ending in "甲乙":
        receive(debt, 1_000, "证" * 79 + ending, ACT)
    with pytest.raises(InvalidRequest, match="凭证号：有 81 个字"):
        receive(debt, 1_000, "证" * 81, ACT)
    with pytest.raises(InvalidRequest, match="理由：有 301 个字"):
        claim_back("E10", debt.commitment, 1, "由" * 301, ACT)
    assert [found.account.balance for found in open_debts()] == [10_345]


def test_what_was_claimed_wrongly_is_let_go_in_parts_and_never_more_than_is_open() -> None:
    award = paid(30_000)
    debt = claim_back("E1", award, 12_000, "更正", ACT)
    receive(debt, 2_000, "进账单 1", ACT)
    for fen in (3_000, 3_000):  # the same twice, on purpose
        let_go(debt, fen, "采纳申辩", ACT)
    with pytest.raises(Conflict, match="余额不够"):
        let_go(debt, 4_001, "采纳申辩", ACT)
    with pytest.raises(InvalidRequest):
        let_go(debt, 1, "  ", ACT)
    debt.refresh_from_db()
    assert (debt.claimed_fen, debt.account.balance, str(debt)) == (6_000, 4_000, "E1 12000")
    # what was let go may be claimed back again, with other reasons
    assert list(unclaimed_fen(award).values()) == [24_000]
    assert prove().holds


def test_a_debt_in_agreed_parts_is_overdue_by_what_has_not_come_by_its_days() -> None:
    award = paid(30_000)
    parts = [(5_000, date(2024, 12, 31)), (7_000, date(2025, 6, 30))]
    with pytest.raises(InvalidRequest, match=r"分期退款合计须是 120\.00 元"):
        claim_back("E2", award, 12_000, "更正", ACT, repayments=parts[:1])
    debt = claim_back("E2", award, 12_000, "更正", ACT, repayments=parts)
    receive(debt, 1_000, "进账单 1", ACT)
    debt.refresh_from_db()
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 7, 1))
    assert [overdue_fen(debt, day) for day in days] == [0, 4_000, 11_000]
    assert [str(part) for part in debt.repayments.all()] == [f"{debt.pk}/1", f"{debt.pk}/2"]
    with pytest.raises(InvalidRequest, match="凭证号"):
        receive(debt, 1, " ", ACT)
