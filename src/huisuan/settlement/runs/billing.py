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
from collections import Counter
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
_EAST = 8 * _HOUR  # Asia/Shanghai is UTC+8 all year round since 1991
_COMMON_CUTS = 12  # each makes more sums of the scan, and spares those who are cut on it a list of their records


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
            ((database,),) = engine.execute("SELECT current_database()").fetchall()  # a cursor starts in another
            self.engine.execute(f"CREATE SCHEMA {database}.{schema}")
            self.engine.execute(f"USE {database}.{schema}")
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
        self._calendars(days, moves)
        self.table(
            "price", "centre TEXT, model TEXT, fen BIGINT, starts DATE, ends DATE", [_price(price) for price in prices]
        )
        self.table(
            "affiliated", "party TEXT, centre TEXT, starts DATE, ends DATE, why TEXT",
            [(span.user, span.operator, span.starts, span.ends, span.why) for span in affiliated],
        )  # fmt: skip
        self.engine.execute(f"SET VARIABLE first_second = {midnight(self.starts)}")
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
            self.engine.from_arrow(pa.table(columns)).insert_into(name)

    def _calendars(self, days: list[date], moves: Mapping[str, Sequence[date]]) -> None:
        """`span`: the spans of bills by their seconds; `own_span`: of parties that are cut on days of their own.

        `segment`: what records are summed in first: spans, cut also on the days on which most parties are cut; `day`:
        which segment each day lies in; `moving`: which segments a party's own days cut further.
        """
        cuts = {party: {day for day in cut if self.starts < day < self.ends} for party, cut in moves.items()}
        common = Counter(day for cut in cuts.values() for day in cut).most_common(_COMMON_CUTS)
        firsts = sorted({*days, *(day for day, _ in common)})
        segments = [
            (at, *_seconds(*each), bisect_right(days, each[0]) - 1)
            for at, each in enumerate(itertools.pairwise(firsts))
        ]
        self.table("segment", "segment INTEGER, begins BIGINT, finishes BIGINT, span INTEGER", segments)
        self.table("span", f"span INTEGER, {_SPAN}", [(at, *span) for at, span in enumerate(_spans(days))])
        own = [(party, *span) for party, cut in cuts.items() for span in _spans(sorted({*days, *cut}))]
        self.table("own_span", f"party TEXT, {_SPAN}", own)
        moving = {
            (party, bisect_right(firsts, day) - 1) for party, cut in cuts.items() for day in cut.difference(firsts)
        }
        self.table("moving", "party TEXT, segment INTEGER", sorted(moving))
        self.engine.execute(
            f"CREATE TABLE day AS SELECT unnest(range((begins + {_EAST}) // {_DAY}, (finishes + {_EAST}) // {_DAY})) "  # noqa: S608
            "AS day, segment, finishes FROM segment"
        )


_SPAN = "begins BIGINT, finishes BIGINT, starts DATE, ends DATE, month DATE"


def _spans(days: list[date]) -> list[tuple[int, int, date, date, date]]:
    return [(*_seconds(*each), *each, each[0].replace(day=1)) for each in itertools.pairwise(days)]


def _seconds(first: date, after: date) -> tuple[int, int]:
    return midnight(first), midnight(after)


def _price(price: Price) -> tuple[str, str, int, date, date]:
    return price.centre, price.model, price.fen_per_card_hour, price.starts, price.ends or date.max


# A day's number is counted at Asia/Shanghai. Nearly every record ends in the segment in which it starts, and is found
# by its day: so each is first summed there, whole. Those that cross a cut, or lie in a segment that their party's own
# days cut further, are listed apart in the same scan, and compared with all spans of the bills, or with their party's.
_LINES = f"""
CREATE TABLE lines AS
WITH found AS (
    SELECT usage.party, centre, model, day.segment, card_seconds, cards, started, ended, suspended,
           ended <= finishes AND moving.party IS NULL AS whole
    FROM usage JOIN day ON (started + {_EAST}) // {_DAY} = day.day
    LEFT JOIN moving ON moving.party = usage.party AND moving.segment = day.segment
),
placed AS (
    SELECT party, centre, model, segment, sum(CASE WHEN whole THEN card_seconds END) AS card_seconds,
           count(CASE WHEN whole THEN 1 END) AS records,
           list({{'cards': cards, 'started': started, 'ended': ended, 'held': ended - started - suspended}})
               FILTER (NOT whole) AS apart
    FROM found GROUP BY ALL
),
crossing AS (
    SELECT party, centre, model, unnest(apart, recursive := true) FROM placed
    UNION ALL
    SELECT party, centre, model, cards, started, ended, ended - started - suspended
    FROM usage WHERE started < getvariable('first_second') AND ended > getvariable('first_second')
),
cut AS (
    SELECT party, centre, model, cards, held, started, ended, month, starts, ends,
           greatest(begins, started) AS cut_from, least(finishes, ended) AS cut_to
    FROM crossing ANTI JOIN own_span USING (party) JOIN span ON started < finishes AND ended > begins
    UNION ALL
    SELECT party, centre, model, cards, held, started, ended, month, starts, ends,
           greatest(begins, started), least(finishes, ended)
    FROM crossing JOIN own_span USING (party)
    WHERE started < finishes AND (ended > begins OR started = ended AND started >= begins)
),
pieces AS (
    SELECT p.party, centre, model, coalesce(o.month, s.month) AS month, coalesce(o.starts, s.starts) AS starts,
           coalesce(o.ends, s.ends) AS ends, card_seconds, records
    FROM placed p JOIN segment USING (segment) JOIN span s ON s.span = segment.span
    LEFT JOIN own_span o ON o.party = p.party AND o.begins <= segment.begins AND segment.finishes <= o.finishes
    WHERE records > 0
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
    FROM pieces GROUP BY ALL
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
