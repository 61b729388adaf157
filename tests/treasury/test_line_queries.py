"""Lines are read as they stand: what is left, what two years did not use, and which bank lines wait for a person."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huisuan.base.errors import NotFound
from huisuan.treasury.bank_returns import import_returns, resolve_clearing
from huisuan.treasury.ledger import get_line
from huisuan.treasury.line_queries import (
    get_budget_line,
    get_return_line,
    list_lines,
    unmatched_lines,
    unmatched_to_dict,
)
from huisuan.treasury.lines import carry_over, lapse
from huisuan.treasury.models import AppropriationLine
from support.treasury import ACT, committed, line, ordered, returned, sent

pytestmark = pytest.mark.django_db
SECOND_YEAR = datetime(2026, 1, 5, tzinfo=UTC)


def test_two_full_years_after_its_own_what_is_left_on_a_line_is_listed_to_be_handed_back() -> None:
    old, young, spent = line(100_000, 2024), line(50_000, 2025), line(0, 2023)
    committed(old, "甲", 30_000)
    rows = {row.year: row for row in list_lines("anhui-agi-2023", SECOND_YEAR)}
    assert [(year, row.unused_years, row.to_hand_back) for year, row in rows.items()] == [
        (2025, 1, False), (2024, 2, True), (2023, 0, False),
    ]  # fmt: skip
    assert (rows[2024].available_fen, rows[2024].committed_fen) == (70_000, 30_000)
    assert rows[2024].to_dict()["to_hand_back"]
    assert [row.id for row in list_lines("", SECOND_YEAR, unused_only=True)] == [old.pk]
    # on New Year's Eve of Shanghai the second year is not over
    assert list_lines("", datetime(2025, 12, 31, 15, 59, tzinfo=UTC), unused_only=True) == []
    carry_over(old, young, ACT)
    lapse(old, ACT)
    assert list_lines("", SECOND_YEAR, unused_only=True) == []
    assert list_lines("another", SECOND_YEAR) == []
    assert spent == get_line(spent.policy, spent.sentence, 2023, spent.office)


def test_a_line_that_nobody_opened_is_not_found() -> None:
    on = line()
    assert get_budget_line(on.pk) == on
    with pytest.raises(NotFound, match="没有预算"):
        get_budget_line(on.pk + 1)
    with pytest.raises(NotFound, match=r"没有预算 anhui-agi-2023 第5\.1句 1999 年"):
        get_line(on.policy, on.sentence, 1999, on.office)
    assert AppropriationLine.objects.count() == 1


def test_what_the_bank_paid_for_no_order_waits_until_somebody_deals_with_it() -> None:
    order = ordered(committed(line(100_000), "甲", 30_000))
    sent(order)
    file, _ = import_returns(
        returned("P99,1.00,成功,", "P98,2.00,失败,没有此户", f"{order.name},300.00,成功,", "P97,3.00,成功,"), "r", ACT
    )
    assert [row.amount_fen for row in unmatched_lines()] == [100, 300], "a failure moved no money"
    assert unmatched_to_dict(unmatched_lines()[0]) == {
        "line": f"{file.pk}/2", "order": "P99", "amount_fen": 100, "succeeded": True, "why": "order_unknown",
        "bank_reason": "",
    }  # fmt: skip
    found = get_return_line(f"{file.pk}-2")
    assert found == get_return_line(f"{file.pk}/2")
    resolve_clearing(found, ACT, "另一系统的款")
    assert [row.amount_fen for row in unmatched_lines()] == [300]
    for wrong in ("", "2", f"{file.pk}/", f"{file.pk}/99", "9999999999/1", "a/b", "١/٢٢"):
        with pytest.raises(NotFound, match="没有回单行"):
            get_return_line(wrong)
