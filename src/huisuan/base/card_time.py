"""Use of cards: whole card-seconds, and how people read them."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

SECONDS_PER_CARD_HOUR = 3600


def card_hours(card_seconds: int | Fraction, rounding: Literal["half_up", "up", "down"] = "half_up") -> str:
    """Card-seconds as card-hours to two places: 1,234.57.

    A half goes away from zero. `up` and `down` are towards more and towards less: what was used may not look smaller
    than it is, nor what is left larger.
    """
    hundredths = Fraction(card_seconds) * 100 / SECONDS_PER_CARD_HOUR
    match rounding:
        case "up":
            whole = -(-hundredths // 1)
        case "down":
            whole = hundredths // 1
        case "half_up":
            whole = (abs(hundredths) + Fraction(1, 2)) // 1 * (-1 if hundredths < 0 else 1)
    return f"{'-' if whole < 0 else ''}{abs(whole) // 100:,}.{abs(whole) % 100:02d}"
