"""Money: integer fen, and how people read it."""

from __future__ import annotations


def yuan(fen: int) -> str:
    """Fen as people read it: 1,234,567.85 (yuan), exact."""
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"
