"""Days and months at Asia/Shanghai: calendar months as the meter closes them, by their ends in UTC seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import total_ordering
from zoneinfo import ZoneInfo

from huisuan.base.errors import InvalidRequest

SHANGHAI = ZoneInfo("Asia/Shanghai")


@total_ordering
@dataclass(frozen=True)
class Month:
    """A calendar month."""

    year: int
    number: int  # 1 to 12

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read 2024-03.

        Raises:
            InvalidRequest: it is not written so.
        """
        found = re.fullmatch(r"(2\d{3})-(0[1-9]|1[0-2])", text.strip())
        if not found:
            raise InvalidRequest(f'月份 "{text}" 写法不对；请写成 2024-03', code="month.malformed")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def containing(cls, day: date) -> Month:
        """The month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def of_record(cls, started: int, ended: int) -> Month:
        """The month of a record's last second; of one without length, its moment. In UTC seconds."""
        return cls.containing(datetime.fromtimestamp(max(started, ended - 1), SHANGHAI).date())

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def following(self) -> Month:
        """The month after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def starts(self) -> int:
        """Its first second, UTC."""
        return int(datetime(self.year, self.number, 1, tzinfo=SHANGHAI).timestamp())

    @property
    def ends(self) -> int:
        """The first second after it, UTC."""
        return self.following.starts

    def __lt__(self, other: Month) -> bool:
        return (self.year, self.number) < (other.year, other.number)

    def __str__(self) -> str:
        return f"{self.year}-{self.number:02d}"


def next_month(first_day: date) -> date:
    """The first day of the month after that of a day."""
    return Month.containing(first_day).following.first_day


def midnight(day: date) -> int:
    """The second since 1970 at which a day begins at Asia/Shanghai."""
    return int(datetime.combine(day, time(), SHANGHAI).timestamp())
