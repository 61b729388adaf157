"""The calendar as published: the State Council's notices up to the year that the library knows, then what was adopted.

The years 2004 to 2026 come from chinesecalendar, which refuses every other one rather than guess.
"""

from __future__ import annotations

from datetime import date

from chinese_calendar import is_workday

from huisuan.calendar.counting import IsWorkingDay
from huisuan.calendar.models import AdoptedDay, CalendarDocument

_SATURDAY = 5


def load_calendar() -> IsWorkingDay:
    """What a day is, by all documents adopted so far: a later document prevails for the days that it names."""
    documents = {found.pk: found for found in CalendarDocument.objects.all()}
    years = {found.year for found in documents.values()}
    rows = AdoptedDay.objects.order_by("document_id").values_list("day", "working")
    adopted: dict[date, bool] = dict(rows)

    def is_working(day: date) -> bool | None:
        if day in adopted:
            return adopted[day]
        if is_published(day.year):
            return bool(is_workday(day))
        return day.weekday() < _SATURDAY if day.year in years else None

    return is_working


def is_published(year: int) -> bool:
    """Whether the library knows a year without any adopted document."""
    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True
