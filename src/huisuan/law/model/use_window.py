"""Over which days of a year a rule is settled: part of the rule, because the text says it ("in the first half")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

MonthDay = tuple[int, int]


@dataclass(frozen=True)
class UseWindow:
    """The days of a year about which a rule asks its sources: from one day to another, both included.

    `beyond_validity`: also days on which the policy does not hold (use before it began, say).
    """

    first: MonthDay = (1, 1)
    last: MonthDay = (12, 31)
    beyond_validity: bool = False

    def days(self, year: int, valid_from: date, valid_to: date) -> tuple[date, date]:
        """[first day, day after the last) in a year, as far as the policy holds; all of it if it never held then."""
        starts, ends = date(year, *self.first), date(year, *self.last) + timedelta(days=1)
        if self.beyond_validity:
            return starts, ends
        held_from, held_to = max(starts, valid_from), min(ends, valid_to + timedelta(days=1))
        return (held_from, held_to) if held_from < held_to else (starts, ends)


WHOLE_YEAR = UseWindow()
