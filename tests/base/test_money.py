"""Money as people read it, and its one rounding."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.money import round_half_up, yuan
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
