"""Money: integer fen, exact rationals in between, one rounding, and how people read it."""

from __future__ import annotations

from fractions import Fraction


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
