"""Money as people read it, and its one rounding."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.money import parse_typed_yuan, parse_written_yuan, plain_yuan, round_half_up, yuan
from huisuan.base.months import Month, next_month

FEN = st.integers(-(10**15), 10**15)


@given(fen=FEN)
def test_yuan_read_back_are_the_same_fen(fen: int) -> None:
    assert round(Fraction(yuan(fen).replace(",", "")) * 100) == fen


def test_what_lies_below_a_fen_is_shown_exactly() -> None:
    assert yuan(Fraction(1234567, 3)) == "4,115.22 又 1/3 分"
    assert yuan(-5) == "-0.05"


@given(fen=st.fractions(-(10**9), 10**9))
def test_half_up_is_the_nearest_fen_and_a_half_goes_upwards(fen: Fraction) -> None:
    assert Fraction(-1, 2) < round_half_up(fen) - fen <= Fraction(1, 2)


@given(first=st.dates().map(lambda day: day.replace(day=1)).filter(lambda day: day.year < 9999))
def test_the_month_after_begins_where_this_one_ends(first: object) -> None:
    from datetime import date, timedelta

    assert isinstance(first, date)
    following = next_month(first)
    assert following.day == 1
    assert Month.containing(following - timedelta(days=1)) == Month.containing(first)


@given(fen=st.integers(0, 10**15 - 1))
def test_yuan_as_they_are_shown_are_read_with_and_without_commas(fen: int) -> None:
    for text in (yuan(fen), plain_yuan(fen)):
        assert parse_written_yuan(text) == parse_typed_yuan(f" {text}\u3000") == fen


@pytest.mark.parametrize(
    "text",
    ["", ".", "-5", "+5", "5.", ".5", "3.005", "1e3", "1_000", "1,50", "12,34.00", "1,0000", ",100", "1,", "1,234,5",
     "12元", "80万元", "NaN", "٣", "1 000", "1" * 14],
)  # fmt: skip
def test_what_is_no_amount_in_yuan_or_may_mean_another_is_not_read(text: str) -> None:
    assert parse_written_yuan(text) is None
    assert parse_typed_yuan(text) is None


def test_a_chinese_keyboard_types_full_width_and_a_bank_does_not() -> None:
    for text in ("１，２３４．５", "1，234.5"):
        assert parse_typed_yuan(text) == 123450
        assert parse_written_yuan(text) is None


def test_more_digits_are_read_where_they_are_asked_for() -> None:
    assert parse_written_yuan("1" * 16, digits=16) == int("1" * 16) * 100
    assert parse_written_yuan("1,234,567", digits=6) is None
