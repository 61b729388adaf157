"""What an office is scored by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from huisuan.opendata.vocabulary import Access, DataKind, Updates

#: within how many days something comes that is promised so often; none: it came once for all
PROMISED_DAYS: Mapping[str, int | None] = {
    Updates.REALTIME: 1, Updates.DAILY: 1, Updates.WEEKLY: 7, Updates.MONTHLY: 31, Updates.QUARTERLY: 92,
    Updates.HALF_YEARLY: 184, Updates.YEARLY: 366, Updates.ONCE: None,
}  # fmt: skip


@dataclass(frozen=True)
class EntryFacts:
    """An entry that stands on the list; `delivered_on` is the day of what is out of it now, `uses` how often it was
    named as the answer to a request or by another entry."""

    code: str
    access: str
    kind: str
    frequency: str
    has_summary: bool
    has_registration: bool
    has_typed_columns: bool
    delivered_on: date | None = None
    uses: int = 0

    @property
    def is_open(self) -> bool:
        """Whether everybody may have it."""
        return self.access == Access.OPEN

    @property
    def is_table(self) -> bool:
        """Whether it has columns."""
        return self.kind == DataKind.TABLE

    def is_in_time(self, day: date) -> bool:
        """Whether what was promised by this day is out."""
        days = PROMISED_DAYS[self.frequency]
        return self.delivered_on is not None and (days is None or self.delivered_on + timedelta(days=days) >= day)


@dataclass(frozen=True)
class OfficeFacts:
    """A department of a region, or a whole city where `department` is empty; requests by how they stand."""

    region: str
    department: str
    entries: tuple[EntryFacts, ...]
    requests: Mapping[str, tuple[int, ...]]
