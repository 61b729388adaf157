"""When the days of a notice have passed. Pure: notice, calendar and the instants of its changes are passed in.

A correction of the calendar counts from its adoption on: it makes a notice that still runs longer, never shorter, and
does not bring back one that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import IsWorkingDay, count_working_days

#: the calendar as it was known at an instant
CalendarAt = Callable[[datetime], IsWorkingDay]


@dataclass(frozen=True)
class NoticeEnd:
    """The instant at which a notice ends (no longer in it), or none: then it certainly stands until `certain_until`."""

    ends_at: datetime | None
    certain_until: datetime

    def has_passed(self, now: datetime) -> bool:
        """Whether the notice has ended."""
        return self.ends_at is not None and now >= self.ends_at


@dataclass(frozen=True)
class NoticeTerms:
    """From when, and for how many working days; `own_day`: the day of the notice is one of them."""

    published_at: datetime
    working_days: int
    own_day: bool

    def count(self, is_working: IsWorkingDay) -> NoticeEnd:
        """Its end by one state of the calendar."""
        begins = self.published_at.astimezone(SHANGHAI).date()
        found = count_working_days(begins, self.working_days, is_working, first=self.own_day)
        return NoticeEnd(found.ends_at, found.certain_until)


def find_end(terms: NoticeTerms, promised: NoticeEnd, known_at: CalendarAt, changes: Iterable[datetime]) -> NoticeEnd:
    """The end that stands: the one promised, moved later by what became known while it ran. `changes` are in order."""
    end = promised if promised.ends_at else _later(promised, terms.count(known_at(terms.published_at)))
    for instant in changes:
        if end.has_passed(instant):
            break
        end = _later(end, terms.count(known_at(instant)))
    return end


def _later(before: NoticeEnd, found: NoticeEnd) -> NoticeEnd:
    """An end that is open is closed by the next that is not; nothing ends before it was certain to stand."""
    certain = max(before.certain_until, found.certain_until)
    if before.ends_at is None or found.ends_at is None:
        ends_at = before.ends_at or found.ends_at
        return NoticeEnd(max(ends_at, before.certain_until) if ends_at else None, certain)
    return NoticeEnd(max(before.ends_at, found.ends_at), certain)
