"""Values as JSON writes them: shares as "1/3", times as ISO 8601 at Asia/Shanghai."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from huisuan.base.months import SHANGHAI


def to_json_value(value: Any) -> Any:
    """A value as JSON writes it: a share as "1/3", a time as ISO 8601 at Asia/Shanghai."""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
