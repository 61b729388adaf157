"""A fund that is too small is shared out as declared, in part at the edge, and adds up to the fen."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.budget.pool import PoolClaim, PoolMode, share_pool
from huisuan.law.model.errors import LawError

DAYS = [date(2025, 3, day) for day in range(1, 5)]
CLAIMS = st.lists(
    st.tuples(st.integers(0, 10**11), st.sampled_from(DAYS), st.integers(1, 5)), min_size=1, max_size=30
).map(lambda rows: [PoolClaim(f"第{at}户", *row) for at, row in enumerate(rows)])
THREE = [
    PoolClaim("甲", 600, DAYS[1], 1), PoolClaim("乙", 300, DAYS[0], 3), PoolClaim("丙", 300, DAYS[1], 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "paid"),
    [(PoolMode.PRO_RATA, [500, 250, 250]), (PoolMode.FIRST_COME, [467, 300, 233]), (PoolMode.RANK, [600, 100, 300])],
)
def test_whoever_stands_at_the_edge_is_paid_in_part(mode: PoolMode, paid: list[int]) -> None:
    assert [payment.paid_fen for payment in share_pool(1000, THREE, mode)] == paid


@given(st.integers(0, 10**12), CLAIMS, st.sampled_from(PoolMode), st.integers())
def test_payments_add_up_to_the_fund_and_nobody_gets_more_than_is_owed(
    fund: int, claims: list[PoolClaim], mode: PoolMode, seed: int
) -> None:
    paid = share_pool(fund, claims, mode)
    assert sum(payment.paid_fen for payment in paid) == min(fund, sum(claim.owed_fen for claim in claims))
    assert all(0 <= payment.paid_fen <= payment.owed_fen for payment in paid)
    shuffled = random.Random(seed).sample(claims, len(claims))
    assert {payment.name: payment.paid_fen for payment in share_pool(fund, shuffled, mode)} == {
        payment.name: payment.paid_fen for payment in paid
    }


@given(st.integers(0, 10**12), CLAIMS)
def test_nobody_is_paid_before_an_earlier_one_has_all(fund: int, claims: list[PoolClaim]) -> None:
    paid = {payment.name: payment for payment in share_pool(fund, claims, PoolMode.FIRST_COME)}
    for claim in claims:
        if paid[claim.name].paid_fen:
            earlier = [other for other in claims if other.applied_on < claim.applied_on]  # type: ignore[operator]
            assert all(paid[other.name].paid_fen == other.owed_fen for other in earlier)


def test_a_name_twice_or_a_turn_that_is_missing_is_refused() -> None:
    with pytest.raises(LawError, match="甲"):
        share_pool(1, [PoolClaim("甲", 1), PoolClaim("甲", 1)], PoolMode.PRO_RATA)
    with pytest.raises(LawError, match="乙 缺名次"):
        share_pool(1, [PoolClaim("乙", 2)], PoolMode.RANK)
