"""Places in an order of rows: as an address names them, and the condition for what lies behind one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django.db.models import Field, ForeignKey, Q

from huisuan.base.months import SHANGHAI

LARGEST_KEY = 2**62
BETWEEN_VALUES = "~"  # of a cursor


def cursor_text(values: Sequence[Any]) -> str:
    """A place as an address names it: the values ordered by."""
    return BETWEEN_VALUES.join(
        "" if v is None else v.isoformat() if isinstance(v, datetime) else str(v) for v in values
    )


def cursor_value(field: Field[Any, Any], text: str) -> Any:
    """What a text of a cursor stands for.

    Raises:
        ValueError, ValidationError: nothing that the field could hold.
    """
    if not text and field.null:
        return None
    target = field.target_field if isinstance(field, ForeignKey) else field
    value = target.to_python(text)
    if isinstance(value, int) and abs(value) > LARGEST_KEY:
        raise ValueError("no key is so large")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a time without its zone")
    return value


def midnight_of(day: date) -> datetime:
    """When a day begins, at Asia/Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


def beyond_nullable(name: str, value: Any, tie: Q, *, down: bool) -> Q:
    """The same where a value may be missing: PostgreSQL sorts those last going up, first going down."""
    missing = Q(**{f"{name}__isnull": True})
    if value is None:
        return (~missing | missing & tie) if down else (missing & tie)
    nearer = Q(**{f"{name}__{'lt' if down else 'gt'}": value}) | Q(**{name: value}) & tie
    return nearer if down else nearer | missing
