"""Figures as people read them: exact, with separators, never through a float.

Fen are shown as yuan, card-seconds as card-hours rounded half up to two places, times at Asia/Shanghai.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from huisuan.base.card_time import card_hours
from huisuan.base.money import line_yuan, yuan

NOTHING = "—"

__all__ = [
    "NOTHING",
    "card_hours",
    "duration",
    "format_day",
    "format_integer",
    "format_percentage",
    "line_yuan",
    "local_time",
    "month",
    "petaflops",
    "yuan",
]  # fmt: skip


def format_integer(value: int) -> str:
    """1,234,567."""
    return f"{value:,}"


def petaflops(capacity: Decimal) -> str:
    """P (PFLOPS of dense FP16) to one place: 1,234.5."""
    return f"{capacity:,.1f}"


def format_day(value: date | datetime) -> str:
    """2024-06-30, at Asia/Shanghai."""
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return value.strftime("%Y-%m-%d")


def month(value: date | datetime) -> str:
    """2024-06, at Asia/Shanghai."""
    return format_day(value)[:7]


def local_time(value: datetime) -> str:
    """2024-06-30 09:15:00, at Asia/Shanghai."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: int) -> str:
    """Hours, minutes, seconds: 27:12:05."""
    return f"{seconds // 3600:,}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def format_percentage(numerator: int, denominator: int) -> str:
    """A share as a percentage with one place, rounded half up; nothing of nothing has no share."""
    if denominator == 0:
        return NOTHING
    permille = (numerator * 2000 + denominator) // (denominator * 2)
    return f"{permille // 10}.{permille % 10}%"
