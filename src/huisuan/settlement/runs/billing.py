"""From usage to bills: set-based, on DuckDB, exact integers throughout.

Time is cut into segments: at every month, and on every day on which a price or an affiliation changes; the use of a
party of which the register says another thing from some day on is cut on that day, too. Within a segment all that
matters is constant, so card-seconds are summed first; the price comes after, and the one rounding of a bill (half up,
to the fen) comes last. A record that crosses a cut is split by the cumulative rule of `compute.metering.slicing`, so
its slices add up to what it held.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from huisuan.base.months import Month, midnight
from huisuan.compute.metering.exports.settled_usage import check_settled_usage
from huisuan.parties.affiliation import AffiliationSpan

_DAY = 86_400
_HOUR = 3_600


@dataclass(frozen=True)
class Price:
    """What a card-hour of a model costs at a centre, in fen, on [starts, ends)."""

    centre: str
    model: str
    fen_per_card_hour: int
    starts: date
    ends: date | None


@dataclass(frozen=True)
class UnpricedUsage:
    """Usage that no tariff covers: a bill cannot be made of it."""

    centre: str
    model: str
    starts: date
    ends: date
    card_seconds: int


def segment_days(
    starts: date, ends: date, prices: Iterable[Price], affiliated: Iterable[AffiliationSpan], parts: Sequence[date] = ()
) -> list[date]:
    """The first days of all segments of [starts, ends), and `ends` itself, in order; no segment crosses a part."""
    days = {starts, ends, *parts}
    month = starts.replace(day=1)
    while month < ends:
        days.add(max(month, starts))
        month = Month.containing(month).following.first_day
    changes: list[tuple[date, date | None]] = [(price.starts, price.ends) for price in prices]
    changes += [(span.starts, span.ends) for span in affiliated]
    days |= {day for change in changes for day in change if day is not None and starts < day < ends}
    return sorted(days)


class Billing:
    """The bills of one stretch of days on one DuckDB connection: `bill`, then read the tables `lines` and `bills`.

    `schema` keeps the tables of several apart on one connection.
    """

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, usage: Path, starts: date, ends: date, schema: str = ""
    ) -> None:
        self.starts, self.ends, self.schema = starts, ends, schema or "main"
        self.parts: tuple[date, ...] = ()
        self.engine = engine.cursor() if schema else engine
        if schema:
            self.engine.execute(f"CREATE SCHEMA {schema}")
            self.engine.execute(f"USE {schema}")
        quoted = str(usage).replace("'", "''")
        self.engine.execute(f"CREATE VIEW usage AS SELECT * FROM read_parquet('{quoted}')")  # noqa: S608
        check_settled_usage(dict(self.rows("SELECT column_name, column_type FROM (DESCRIBE usage)")))

    def bill(
        self, prices: Sequence[Price], affiliated: Sequence[AffiliationSpan], moves: Mapping[str, Sequence[date]] = {},
        parts: Sequence[date] = (),
    ) -> list[UnpricedUsage]:  # fmt: skip
        """Make `lines` and `bills`; says what could not be priced (then the bills are not to be used).

        In `affiliated`, `operator` holds the centre's code: the caller knows who operates which centre. `moves`: by
        party the days on which its own use is cut. `parts` are the first days of the parts that the year is cut into,
        the first included: then no line crosses one, and `part` has them.
        """
        self.parts = tuple(parts)
        self.table("part", "starts DATE, ends DATE", list(itertools.pairwise([*parts, self.ends])) if parts else [])
        days = segment_days(self.starts, self.ends, prices, affiliated, parts)
        self._calendar(days)
        self._own_calendars(days, moves)
        self.table(
            "price", "centre TEXT, model TEXT, fen BIGINT, starts DATE, ends DATE", [_price(price) for price in prices]
        )
        self.table(
            "affiliated", "party TEXT, centre TEXT, starts DATE, ends DATE, why TEXT",
            [(span.user, span.operator, span.starts, span.ends, span.why) for span in affiliated],
        )  # fmt: skip
        self.engine.execute(_LINES)
        self.engine.execute(_BILLS)
        gaps = self.engine.execute(_UNPRICED).fetchall()
        return [UnpricedUsage(*gap) for gap in gaps]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query over the tables gives."""
        return self.engine.execute(query).fetchall()

    def table(self, name: str, layout: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Make a table of these rows."""
        self.engine.execute(f"CREATE TABLE {name} ({layout})")
        if rows:  # by way of Arrow: an INSERT a row costs more than the whole settlement
            columns = {str(at): list(column) for at, column in enumerate(zip(*rows, strict=True))}
            self.engine.register("arriving", pa.table(columns))
            self.engine.execute(f"INSERT INTO {name} SELECT * FROM arriving")  # noqa: S608
            self.engine.unregister("arriving")

    def _calendar(self, days: list[date]) -> None:
        """`segment`: its seconds, its days, its month; `day`: which segment each day lies in."""
        self.table("segment", f"segment INTEGER, {_SPAN}", [(at, *span) for at, span in enumerate(_spans(days))])
        self.engine.execute(
            f"CREATE TABLE day AS SELECT unnest(range(begins // {_DAY}, finishes // {_DAY})) AS day, segment, finishes "  # noqa: S608
            f"FROM (SELECT segment, begins + 8 * {_HOUR} AS begins, finishes + 8 * {_HOUR} AS finishes FROM segment)"
        )
        self.engine.execute(f"UPDATE day SET finishes = finishes - 8 * {_HOUR}")  # noqa: S608

    def _own_calendars(self, days: list[date], moves: Mapping[str, Sequence[date]]) -> None:
        """`own_segment`: segments of parties whose use is cut on days of their own; `moving`: which those days cut."""
        cuts = {party: {day for day in cut if self.starts < day < self.ends} for party, cut in moves.items()}
        spans = [(party, *span) for party, cut in cuts.items() for span in _spans(sorted({*days, *cut}))]
        moving = {(party, bisect_right(days, day) - 1) for party, cut in cuts.items() for day in cut}
        self.table("own_segment", f"party TEXT, {_SPAN}", spans)
        self.table("moving", "party TEXT, segment INTEGER", sorted(moving))


_SPAN = "begins BIGINT, finishes BIGINT, starts DATE, ends DATE, month DATE"


def _spans(days: list[date]) -> list[tuple[int, int, date, date, date]]:
    return [
        (midnight(first), midnight(last), first, last, first.replace(day=1)) for first, last in itertools.pairwise(days)
    ]


def _price(price: Price) -> tuple[str, str, int, date, date]:
    return price.centre, price.model, price.fen_per_card_hour, price.starts, price.ends or date.max


# A day's number is counted at Asia/Shanghai (UTC+8 all year round since 1991). Nearly every record ends in the segment
# in which it starts, and is found by its day: so each is first summed there, whole. Those that cross a cut, or lie in a
# segment that their party's own days cut, are set aside in the same scan, as a list; these are taken back and compared
# with all segments, or with those of their party.
_LINES = f"""
CREATE TABLE lines AS
WITH placed AS (
    SELECT usage.party, centre, model, day.segment, sum(card_seconds) AS card_seconds, count(*) AS records,
           list({{'cards': cards, 'started': started, 'ended': ended, 'held': ended - started - suspended,
                 'whole': card_seconds}}) FILTER (ended > finishes OR moving.party IS NOT NULL) AS set_aside
    FROM usage JOIN day ON (started + 8 * {_HOUR}) // {_DAY} = day.day
    LEFT JOIN moving ON moving.party = usage.party AND moving.segment = day.segment
    GROUP BY ALL
),
aside AS (
    SELECT party, centre, model, segment, unnest(set_aside, recursive := true) FROM placed
),
crossing AS (
    SELECT party, centre, model, cards, started, ended, held FROM aside
    UNION ALL
    SELECT party, centre, model, cards, started, ended, ended - started - suspended
    FROM usage WHERE started < (SELECT min(begins) FROM segment) AND ended > (SELECT min(begins) FROM segment)
),
cut AS (
    SELECT party, centre, model, cards, held, started, ended, month, starts, ends,
           greatest(begins, started) AS cut_from, least(finishes, ended) AS cut_to
    FROM crossing ANTI JOIN own_segment USING (party) JOIN segment ON started < finishes AND ended > begins
    UNION ALL
    SELECT party, centre, model, cards, held, started, ended, month, starts, ends,
           greatest(begins, started), least(finishes, ended)
    FROM crossing JOIN own_segment USING (party)
    WHERE started < finishes AND (ended > begins OR started = ended AND started >= begins)
),
pieces AS (
    SELECT party, centre, model, month, starts, ends, card_seconds, records FROM placed JOIN segment USING (segment)
    UNION ALL
    SELECT party, centre, model, month, starts, ends, -sum(whole), -count(*)
    FROM aside JOIN segment USING (segment) GROUP BY ALL
    UNION ALL
    SELECT party, centre, model, month, starts, ends,
           coalesce(sum(cards * (held * (cut_to - started) // nullif(ended - started, 0)
                                 - held * (cut_from - started) // nullif(ended - started, 0))), 0),
           count(*)
    FROM cut GROUP BY ALL
),
summed AS (
    SELECT party, centre, model, month, starts, ends,
           CAST(sum(card_seconds) AS BIGINT) AS card_seconds, CAST(sum(records) AS BIGINT) AS records
    FROM pieces GROUP BY ALL HAVING sum(records) > 0
)
SELECT u.party, u.centre, u.model, u.month, u.starts, u.ends, u.card_seconds, u.records,
       p.fen AS fen_per_card_hour, coalesce(a.why, '') AS excluded_because
FROM summed u
LEFT JOIN price p ON p.centre = u.centre AND p.model = u.model AND p.starts <= u.starts AND u.ends <= p.ends
LEFT JOIN affiliated a ON a.party = u.party AND a.centre = u.centre AND a.starts <= u.starts AND u.ends <= a.ends
"""  # noqa: S608

# fen = card-seconds x fen per card-hour / 3600, summed exactly, rounded half up once per bill
BILL_SUMS = f"""CAST(sum(card_seconds) AS BIGINT) AS card_seconds,
       CAST((2 * sum(card_seconds * fen_per_card_hour) + {_HOUR}) // (2 * {_HOUR}) AS BIGINT) AS amount_fen,
       CAST((2 * coalesce(sum(card_seconds * fen_per_card_hour) FILTER (excluded_because <> ''), 0) + {_HOUR})
            // (2 * {_HOUR}) AS BIGINT) AS excluded_fen"""
_BILLS = f"""
CREATE TABLE bills AS SELECT party, centre, month, {BILL_SUMS} FROM lines WHERE party IS NOT NULL GROUP BY ALL
"""  # noqa: S608

_UNPRICED = """
SELECT centre, model, min(starts), max(ends), CAST(sum(card_seconds) AS BIGINT)
FROM lines WHERE party IS NOT NULL AND fen_per_card_hour IS NULL AND card_seconds > 0
GROUP BY centre, model ORDER BY centre, model
"""
