"""Cutting a usage record at points in time so that the slices add up exactly. Pure integers, seconds since the epoch.

The meter knows how long a record was suspended, not when. The held time is therefore spread evenly over the
record's span by one cumulative rule: what lies before a cut `c` is `held * (c - started) // (ended - started)`
whole seconds. Slices are differences of that, so whatever the cuts, they sum to what was held.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import NamedTuple


class HeldSpan(NamedTuple):
    """When a record held its cards: epoch seconds; `suspended` seconds of it were not held."""

    started: int
    ended: int
    suspended: int = 0

    @property
    def held(self) -> int:
        """Seconds held."""
        return self.ended - self.started - self.suspended


class UsageSlice(NamedTuple):
    """A piece of a record: from `starts` until before `ends` (epoch seconds), with the seconds held in it."""

    starts: int
    ends: int
    held: int


def held_before(cut: int, span: HeldSpan) -> int:
    """Whole seconds held before a cut; 0 before the start, all of it after the end."""
    if cut <= span.started:
        return 0
    if cut >= span.ended:
        return span.held
    return span.held * (cut - span.started) // (span.ended - span.started)


def slice_span(span: HeldSpan, cuts: Iterable[int]) -> list[UsageSlice]:
    """The record cut at `cuts` (any order; those outside change nothing). A record without length is one slice."""
    inside = sorted({cut for cut in cuts if span.started < cut < span.ended})
    edges = [span.started, *inside, span.ended]
    before = [held_before(edge, span) for edge in edges]
    return [UsageSlice(edges[i], edges[i + 1], before[i + 1] - before[i]) for i in range(len(edges) - 1)]


def month_boundaries(first: int, last: int, zone: tzinfo) -> list[int]:
    """Epoch seconds of every first of a month, midnight in `zone`, after `first` and not after `last`."""
    year, month = datetime.fromtimestamp(first, zone).year, datetime.fromtimestamp(first, zone).month
    found: list[int] = []
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        starts = int(datetime(year, month, 1, tzinfo=zone).timestamp())
        if starts > last:
            return found
        found.append(starts)


def card_seconds_by_month(span: HeldSpan, cards: int, zone: tzinfo) -> dict[date, int]:
    """Card-seconds of a record in each month it touches, keyed by the month's first day in `zone`."""
    totals: dict[date, int] = {}
    for piece in slice_span(span, month_boundaries(span.started, span.ended, zone)):
        month = datetime.fromtimestamp(piece.starts, zone).date().replace(day=1)
        totals[month] = cards * piece.held
    return totals
