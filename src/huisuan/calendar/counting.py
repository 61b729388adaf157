"""Counting working days from a day on. Pure: what a day is, is passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI

MOST_DAYS = 1000
_LONGEST = 4000  # days looked at: a thousand working days, and no year without any
#: whether a day is a working day; None: its year was not published
IsWorkingDay = Callable[[date], bool | None]


@dataclass(frozen=True)
class WorkingDayCount:
    """The working days counted, and the instant at which the last of them ends (24:00 at Asia/Shanghai).

    Where a year is reached that nobody has published, the count is not `complete` and has no end: until `certain_until`
    (the instant at which the last published day ends) it certainly has not passed.
    """

    counted: tuple[date, ...]
    complete: bool
    ends_at: datetime | None
    certain_until: datetime

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "counted": [day.isoformat() for day in self.counted],
            "complete": self.complete,
            "ends_at": self.ends_at.isoformat() if self.ends_at else None,
            "certain_until": self.certain_until.isoformat(),
        }


def count_working_days(begins: date, number: int, is_working: IsWorkingDay, *, first: bool = False) -> WorkingDayCount:
    """So many working days after a day; with `first`, that day counts too if it is one.

    Raises:
        InvalidRequest: a number of days out of bounds.
    """
    if not 1 <= number <= MOST_DAYS:
        raise InvalidRequest(f"工作日数 {number}：须在 1 至 {MOST_DAYS} 之间", code="calendar.number_out_of_bounds")
    counted: list[date] = []
    day = begins if first else begins + timedelta(days=1)
    for _ in range(_LONGEST):
        working = is_working(day)
        if working is None:
            return WorkingDayCount(tuple(counted), False, None, _end_of(day - timedelta(days=1)))
        if working:
            counted.append(day)
            if len(counted) == number:
                return WorkingDayCount(tuple(counted), True, _end_of(day), _end_of(day))
        day += timedelta(days=1)
    raise InvalidRequest(f"自 {begins} 起 {_LONGEST} 天内没有 {number} 个工作日", code="calendar.no_working_days")


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
