# ruff: noqa: S608 (names of columns come from our own lists)
"""How a trace writes time, and its texts made seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb

from huisuan.base.errors import InvalidRequest
from huisuan.base.time_zones import EARLIEST_SECOND, LATEST_SECOND, to_utc

TIMES = ("submit", "start", "end")
_NUMBERS = (*TIMES, "duration", "cards", "limit", "milli", "paused")
LAST_SECOND = 1 << 40


@dataclass(frozen=True)
class Clock:
    """How the file writes time: the zone of times without one, and what second 0 is where it counts seconds.

    `shift` seconds are added to every time: public traces are often replayed in another year. `relative`: seconds may
    count from an unknown moment, as is enough for a replay; else they must be Unix seconds, or `epoch` is their zero.
    """

    zone: ZoneInfo
    epoch: int | None = None
    shift: int = 0
    relative: bool = False

    @property
    def bounds(self) -> tuple[int, int]:
        """Between which seconds a number is taken for a moment."""
        return (0, LAST_SECOND) if self.relative else (EARLIEST_SECOND, LATEST_SECOND)


def parse_epoch(text: str, zone: ZoneInfo) -> int:
    """The moment that `--epoch` names, in UTC seconds; without an offset it is local in `zone`.

    Raises:
        InvalidRequest: not a moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(
            f'--epoch: "{text}" 不是时刻；请写成 2020-09-01T00:00:00', code="trace.epoch_malformed"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def convert_times(con: duckdb.DuckDBPyConnection, clock: Clock) -> None:
    """From `field` make `timed`: times in UTC seconds (`*_at`), whole numbers as BIGINT, NULL for what is neither.

    `*_odd`: 'skips' or 'repeats' for a local time at a change of summer time.
    """
    local = "epoch_us(try_strptime(replace(left({0}, 19), 'T', ' '), '%Y-%m-%d %H:%M:%S')) // 1000000"
    con.execute(f"""
        CREATE TABLE clocked AS SELECT *,
            {", ".join(f"{local.format(f'{name}_')} AS {name}_local" for name in TIMES)},
            {", ".join(f"TRY_CAST({name}_ AS DECIMAL(20, 6)) AS {name}_number" for name in _NUMBERS)}
        FROM field;
    """)
    spans = ", ".join(f"min({name}_local), max({name}_local)" for name in TIMES)
    known = [value for value in con.execute(f"SELECT {spans} FROM clocked").fetchall()[0] if value is not None]
    utc, why = to_utc(clock.zone, min(known, default=0), max(known, default=0))
    con.execute(f"""
        CREATE TABLE timed AS SELECT *,
            {", ".join(f"{_moment(name, utc(f'{name}_local'), clock)} + {clock.shift} AS {name}_at" for name in TIMES)},
            {", ".join(f"{why(f'{name}_local')} AS {name}_odd" for name in TIMES)},
            {", ".join(_whole(name) for name in _NUMBERS if name not in TIMES)}
        FROM clocked;
        DROP TABLE clocked;
        DROP TABLE field;
    """)


def _moment(name: str, local_as_utc: str, clock: Clock) -> str:
    zero = 0 if clock.epoch is None else clock.epoch
    first, last = clock.bounds
    offset = (
        f"(CASE substr({name}_, 20, 1) WHEN '-' THEN -1 ELSE 1 END * (60 * TRY_CAST(substr({name}_, 21, 2) AS INT)"
        f" + TRY_CAST(right({name}_, 2) AS INT)) * 60)"
    )
    return f"""(CASE WHEN {name}_number = trunc({name}_number)
            THEN CASE WHEN {zero} + {name}_number BETWEEN {first} AND {last}
                THEN CAST({zero} + {name}_number AS BIGINT) END
        WHEN length({name}_) = 19 THEN {local_as_utc}
        WHEN regexp_full_match({name}_, '.{{19}}(Z|[.]0+Z?)') THEN {name}_local
        WHEN regexp_full_match({name}_, '.{{19}}[+-][0-9]{{2}}:?[0-9]{{2}}') THEN {name}_local - {offset} END)"""


def _whole(name: str) -> str:
    return f"CASE WHEN {name}_number = trunc({name}_number) THEN CAST({name}_number AS BIGINT) END AS {name}"
