"""The part of a year that a rule is settled over, as a policy's file writes it."""

from __future__ import annotations

from datetime import date

from huisuan.law.model.errors import LawError
from huisuan.law.model.use_window import UseWindow


def days_of_year(first: str = "01-01", last: str = "12-31", *, beyond_validity: bool = False) -> UseWindow:
    """The days of a year that a rule is settled over, both included, written "07-01"; see `UseWindow`.

    Raises:
        LawError: no such days, or the last before the first.
    """
    found = []
    for text in (first, last):
        try:
            day = date.fromisoformat(f"2023-{text}")  # no leap year: every year has the day
        except ValueError:
            raise LawError(f"{text} 不是每年都有的一天；请写成 07-01", code="law.window_malformed") from None
        found.append((day.month, day.day))
    if found[0] > found[1]:
        raise LawError(f"{last} 早于 {first}：一年之内的起止日不能颠倒", code="law.window_malformed")
    return UseWindow(found[0], found[1], beyond_validity)
