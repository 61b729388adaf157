"""Values as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from huisuan.law.model.values import ValueKind, format_value


@pytest.mark.parametrize(
    ("fen", "chinese", "english"),
    [
        (333_333_333, "3,333,333.33 元", "3,333,333.33 yuan"),
        (Fraction(1_000_000_000, 3), "3,333,333.33 元又 1/3 分", "3,333,333.33 yuan and 1/3 fen"),
    ],
)
def test_what_lies_below_a_fen_stands_after_the_yuan_in_the_readers_language(
    fen: int | Fraction, chinese: str, english: str
) -> None:
    assert format_value(ValueKind.MONEY, fen) == chinese
    assert format_value(ValueKind.MONEY, fen, english=True) == english
