"""Card-hours as people read them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.card_time import card_hours

SECONDS = st.one_of(st.integers(-(10**15), 10**15), st.fractions(-(10**6), 10**6))


def read_back(text: str) -> Fraction:
    """Card-seconds of what was shown."""
    return Fraction(text.replace(",", "")) * 3600


@given(seconds=SECONDS)
def test_card_hours_are_the_nearest_hundredth(seconds: Fraction | int) -> None:
    assert abs(read_back(card_hours(seconds)) - seconds) <= 18


@given(seconds=SECONDS)
def test_card_hours_round_towards_more_and_towards_less(seconds: Fraction | int) -> None:
    assert 0 <= read_back(card_hours(seconds, "up")) - seconds < 36
    assert 0 <= seconds - read_back(card_hours(seconds, "down")) < 36


def test_a_half_goes_away_from_zero_and_nothing_has_no_sign() -> None:
    assert [card_hours(seconds) for seconds in (18, -18, 17, -17, 4_444_444)] == [
        "0.01", "-0.01", "0.00", "0.00", "1,234.57"
    ]  # fmt: skip
