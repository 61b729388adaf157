"""Money: integer fen, exact rationals in between, one rounding, and how people read it."""

from __future__ import annotations

import re
from fractions import Fraction

# [0-9], not \d, which takes the digits of every script: what one parser takes, all must take
_YUAN = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]{1,2}))?")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９，．", "0123456789,.")


def yuan(fen: int | Fraction) -> str:
    """Fen as yuan with thousands separators: 1,234,567.85; what lies below a fen is an exact fraction."""
    whole, rest = divmod(Fraction(fen), 1)
    if rest:
        return f"{yuan(whole.numerator)} 又 {rest} 分"
    sign, whole_fen = ("-" if whole < 0 else ""), abs(whole.numerator)
    return f"{sign}{whole_fen // 100:,}.{whole_fen % 100:02d}"


def plain_yuan(fen: int) -> str:
    """Fen (not negative) as people type yuan and banks write it, without separators: 1234.05."""
    return f"{fen // 100}.{fen % 100:02d}"


def round_half_up(fen: Fraction) -> int:
    """The nearest whole fen, a half upwards: how a bill is rounded, once."""
    return (2 * fen.numerator + fen.denominator) // (2 * fen.denominator)


def line_yuan(card_seconds: int, fen_per_card_hour: int) -> str:
    """What a bill line comes to in yuan, to a hundredth of a fen: 1,234.5678. Lines are not rounded to the fen."""
    hundredths = (card_seconds * fen_per_card_hour * 100 * 2 + 3600) // 7200
    return f"{hundredths // 10000:,}.{hundredths % 10000:04d}"


def parse_written_yuan(text: str, *, digits: int = 13) -> int | None:
    """Fen from yuan as a file or a bank writes them (1234.5 or 1,234.50); None where it is no such amount.

    `digits` is how many may stand before the point, at most; behind it at most two. Commas stand between thousands
    only, for "1,50" may mean one and a half. No sign, no unit, no 万: those are the law's own
    (`law.model.parse_chinese_money`).
    """
    found = _YUAN.fullmatch(text)
    whole = found[1].replace(",", "") if found else ""
    if not found or len(whole) > digits:
        return None
    return int(whole) * 100 + int((found[2] or "").ljust(2, "0"))


def parse_typed_yuan(text: str, *, digits: int = 13) -> int | None:
    """The same as a person types it into a box: blanks around it, and the full width of a Chinese keyboard."""
    return parse_written_yuan(text.strip().translate(_FULL_WIDTH), digits=digits)
