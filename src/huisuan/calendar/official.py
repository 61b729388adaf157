"""The calendar as published: the State Council's notices up to the year that the library knows, then what was adopted.

The years 2004 to 2026 come from chinesecalendar, which refuses every other one rather than guess.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from chinese_calendar import is_workday

from huisuan.calendar.counting import IsWorkingDay
from huisuan.calendar.models import AdoptedDay, CalendarDocument

_SATURDAY = 5


@dataclass(frozen=True)
class AdoptedYear:
    """What a document said of days of a year, from the instant of its adoption on."""

    at: datetime
    year: int
    days: dict[date, bool]


@dataclass(frozen=True)
class CalendarHistory:
    """The calendar as it became known, document by document, in the order of their adoption."""

    adopted: Sequence[AdoptedYear]

    def known_at(self, instant: datetime) -> IsWorkingDay:
        """What a day is, by the documents adopted until then: a later one prevails for the days that it names."""
        known = self.adopted[: bisect_right([one.at for one in self.adopted], instant)]
        years = {one.year for one in known}
        said = {day: working for one in known for day, working in one.days.items()}

        def is_working(day: date) -> bool | None:
            if day in said:
                return said[day]
            if is_published(day.year):
                return _is_working(day)
            return day.weekday() < _SATURDAY if day.year in years else None

        return is_working

    def changes_after(self, instant: datetime) -> list[datetime]:
        """When documents were adopted later than that."""
        return [one.at for one in self.adopted if one.at > instant]


def load_calendar_history() -> CalendarHistory:
    """All documents adopted so far."""
    days: dict[int, dict[date, bool]] = {}
    for document, day, working in AdoptedDay.objects.values_list("document_id", "day", "working"):
        days.setdefault(document, {})[day] = working
    found = CalendarDocument.objects.order_by("adopted_at", "pk")
    return CalendarHistory([AdoptedYear(one.adopted_at, one.year, days.get(one.pk, {})) for one in found])


def load_calendar() -> IsWorkingDay:
    """What a day is, by all documents adopted so far."""
    return load_calendar_history().known_at(datetime.max.replace(tzinfo=UTC))


@cache
def is_published(year: int) -> bool:
    """Whether the library knows a year without any adopted document."""
    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


@cache  # of the days of the published years: the library looks through all it knows at each question
def _is_working(day: date) -> bool:
    return bool(is_workday(day))
