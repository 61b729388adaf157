"""Local times become UTC exactly as the zone's own rules say, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.base.time_zones import parse_time_zone, to_utc

ZONES = ["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]
START = datetime(2005, 1, 1)  # noqa: DTZ001 (a wall clock)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


def by_the_book(wall: datetime, zone: ZoneInfo) -> int | None:
    """What zoneinfo says: the moment, or None where there is none or two."""
    moments = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    back = {moment.astimezone(zone).replace(tzinfo=None) for moment in moments}
    if len(moments) == 1 and back == {wall}:
        return int(moments.pop().timestamp())
    return None


@given(st.sampled_from(ZONES), st.lists(st.integers(0, 25 * 366 * 86_400), min_size=1, max_size=30))
def test_every_wall_clock_time_is_read_as_the_zone_reads_it(name: str, offsets: list[int]) -> None:
    zone = ZoneInfo(name)
    walls = [START + timedelta(seconds=offset) for offset in offsets]
    seconds = [int((wall - EPOCH).total_seconds()) for wall in walls]
    utc, why = to_utc(zone, min(seconds), max(seconds))
    rows = duckdb.execute(
        f"SELECT {utc('l')}, {why('l')} FROM (SELECT unnest(?::BIGINT[]) AS l)",
        [seconds],
    ).fetchall()
    assert [row[0] for row in rows] == [by_the_book(wall, zone) for wall in walls]
    assert all((row[0] is None) == (row[1] is not None) for row in rows)


def test_an_unknown_zone_is_refused_with_an_example() -> None:
    with pytest.raises(Refused, match="Asia/Shanghai"):
        parse_time_zone("Hefei")
    with pytest.raises(Refused):
        parse_time_zone("../etc/passwd")
