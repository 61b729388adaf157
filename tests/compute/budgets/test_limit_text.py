"""A budget's limit as people write it: every amount comes through as it is, and nothing else does."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.compute.budgets.limit_text import parse_limit
from huisuan.protocol.firm import HUGE_LIMIT, UnitName

UNITS: list[UnitName] = ["fen", "card_seconds"]


@given(st.integers(0, HUGE_LIMIT))
def test_every_amount_of_fen_is_read_as_it_is_written(fen: int) -> None:
    assert parse_limit(f"{fen // 100:,}.{fen % 100:02d}", "fen") == fen
    assert parse_limit(f" {fen // 100}.{fen % 100:02d}0 ", "fen") == fen


@given(st.integers(0, HUGE_LIMIT // 3600 - 1))
def test_every_number_of_card_hours_is_read_as_card_seconds(hours: int) -> None:
    assert parse_limit(str(hours), "card_seconds") == hours * 3600
    assert parse_limit(f"{hours}.25", "card_seconds") == hours * 3600 + 900


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "text", ["1e5000", "1e9999999", "1e999999999999999999", "9" * 20, "9" * 20_000, "1,,,000" + "0" * 18, "1e17"]
)
def test_a_limit_beyond_any_sum_of_money_is_refused_without_being_written_out(text: str, unit: UnitName) -> None:
    with pytest.raises(InvalidRequest) as why:
        parse_limit(text, unit)
    assert why.value.code == "budget.limit_out_of_bounds"
    assert len(str(why.value)) < 120


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    "text",
    [
        "", "abc", "-1", "-0.01", "1e-9", "1.001", "0.00001", "NaN", "sNaN", "inf", "-Infinity", "1e-5000",
        "1.5.2", "１２ 元", "\0", "0x10", "1e", "100000000000.00000000000000000000000001",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str, unit: UnitName) -> None:
    with pytest.raises(InvalidRequest) as why:
        parse_limit(text, unit)
    assert why.value.code == "budget.limit_malformed"


@given(st.text(max_size=60), st.sampled_from(UNITS))
def test_any_text_is_an_amount_or_refused(text: str, unit: UnitName) -> None:
    with contextlib.suppress(InvalidRequest):
        assert 0 <= parse_limit(text, unit) <= HUGE_LIMIT
