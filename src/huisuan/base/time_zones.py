"""Local times without a zone mark, made UTC or refused: at a change of summer time nothing is guessed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from huisuan.base.errors import InvalidRequest

EARLIEST_SECOND = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
LATEST_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_DAY_SECONDS = 86400


def parse_time_zone(name: str) -> ZoneInfo:
    """An IANA zone.

    Raises:
        InvalidRequest: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidRequest(
            f'时区 "{name}" 不是 IANA 时区名；请写成 Asia/Shanghai、UTC 或 America/New_York 这样',
            code="time.zone_unknown",
        ) from None


@dataclass(frozen=True)
class OffsetChange:
    """A change of offset, in local seconds: from `starts` until before `ends` the clock skips or repeats."""

    starts: int
    ends: int
    before: int  # offset in seconds east of UTC
    after: int

    @property
    def skips(self) -> bool:
        """Whether these local times do not exist (else they exist twice)."""
        return self.after > self.before


def offset_at(zone: tzinfo, utc: int) -> int:
    """Seconds east of UTC."""
    shift = datetime.fromtimestamp(utc, zone).utcoffset() or timedelta()
    return int(shift.total_seconds())


def offset_changes(zone: tzinfo, first: int, last: int) -> list[OffsetChange]:
    """Every change of offset between two local times, with a day's margin; `first` and `last` are local seconds."""
    found: list[OffsetChange] = []
    here = max(first, EARLIEST_SECOND) - 2 * _DAY_SECONDS
    end = min(last, LATEST_SECOND) + 2 * _DAY_SECONDS
    while here < end:
        before, after = offset_at(zone, here), offset_at(zone, here + _DAY_SECONDS)
        if before != after:
            at = _second_of_change(zone, here, here + _DAY_SECONDS)
            edges = sorted((at + before, at + after))
            found.append(OffsetChange(edges[0], edges[1], before, after))
        here += _DAY_SECONDS
    return found


def _second_of_change(zone: tzinfo, low: int, high: int) -> int:
    before = offset_at(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(zone, middle) == before else (low, middle)
    return high


def to_utc(zone: tzinfo, first: int, last: int) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Two makers of SQL for local times between `first` and `last`: UTC seconds or NULL, and why NULL.

    Each takes an SQL expression of local seconds. The second gives 'skips', 'repeats' or NULL.
    """
    found = offset_changes(zone, first, last)
    last_offset = found[-1].after if found else offset_at(zone, max(first, EARLIEST_SECOND))

    def utc(local: str) -> str:
        cases = "".join(
            f" WHEN {local} < {change.starts} THEN {local} - {change.before} WHEN {local} < {change.ends} THEN NULL"
            for change in found
        )
        inside = f"{local} BETWEEN {EARLIEST_SECOND} AND {LATEST_SECOND}"
        return f"CASE WHEN NOT ({inside}) THEN NULL{cases} ELSE {local} - {last_offset} END"

    def why(local: str) -> str:
        cases = "".join(
            f" WHEN {local} >= {change.starts} AND {local} < {change.ends} "
            f"THEN '{'skips' if change.skips else 'repeats'}'"
            for change in found
        )
        return f"CASE{cases} ELSE NULL END" if cases else "CAST(NULL AS VARCHAR)"

    return utc, why
