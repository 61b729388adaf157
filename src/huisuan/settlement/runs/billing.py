"""From usage to bills to what each party is owed: set-based, on DuckDB, exact integers throughout.

Time is cut into segments: at every month, and on every day on which a price or an affiliation changes. Within a
segment all that matters is constant, so card-seconds are summed first; the price comes after, and the one
rounding of a bill (half up, to the fen) comes last. A record that crosses a cut is split by the cumulative rule of
`compute.metering.slicing`, so its slices add up to what it held.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from huisuan.base.months import Month, midnight
from huisuan.compute.metering.exports.settled_usage import check_settled_usage
from huisuan.law.model import Rule
from huisuan.law.policy import Policy
from huisuan.law.sql.compute_file import answer_query
from huisuan.parties.affiliation import AffiliationSpan
from huisuan.settlement.runs.settled_sentence import fact_types, facts_query

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
class RegisteredParty:
    """What the register says of a party that bears on 2.2."""

    uscc: str
    in_anhui: bool
    kind: str


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
    """One settlement on one DuckDB connection: `bill`, then read the tables `lines`, `bills`, `answers`."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, usage: Path, starts: date, ends: date) -> None:
        self.engine, self.starts, self.ends = engine, starts, ends
        self.parts: tuple[date, ...] = ()
        quoted = str(usage).replace("'", "''")
        engine.execute(f"CREATE VIEW usage AS SELECT * FROM read_parquet('{quoted}')")  # noqa: S608
        check_settled_usage(dict(self.rows("SELECT column_name, column_type FROM (DESCRIBE usage)")))

    def bill(
        self, prices: Sequence[Price], affiliated: Sequence[AffiliationSpan], parts: Sequence[date] = ()
    ) -> list[UnpricedUsage]:
        """Make `lines` and `bills`; says what could not be priced (then the bills are not to be used).

        In `affiliated`, `operator` holds the centre's code: the caller knows who operates which centre. `parts` are the
        first days of the parts that the year is cut into, the first included: then `bill_parts` is made, too.
        """
        self.parts = tuple(parts)
        self._calendar(segment_days(self.starts, self.ends, prices, affiliated, parts))
        self._table(
            "price", "centre TEXT, model TEXT, fen BIGINT, starts DATE, ends DATE", [_price(price) for price in prices]
        )
        self._table(
            "affiliated", "party TEXT, centre TEXT, starts DATE, ends DATE, why TEXT",
            [(span.user, span.operator, span.starts, span.ends, span.why) for span in affiliated],
        )  # fmt: skip
        self.engine.execute(_LINES)
        self.engine.execute(_BILLS)
        if parts:
            self._table("part", "starts DATE, ends DATE", list(itertools.pairwise([*parts, self.ends])))
            self.engine.execute(_BILL_PARTS)
        gaps = self.engine.execute(_UNPRICED).fetchall()
        return [UnpricedUsage(*gap) for gap in gaps]

    def entitle(self, policy: Policy, rule: Rule, parties: Sequence[RegisteredParty], on: date, as_known: date) -> None:
        """Make `answers`: the facts of 2.2 for every registered party with a bill, and the rule's answer."""
        self.collect_facts(parties)
        query, _ = answer_query(policy, rule, "facts", fact_types(self.parts), on=on, as_known=as_known)
        self.engine.execute(
            f"CREATE TABLE answers AS SELECT a.*, f.* EXCLUDE (party) "  # noqa: S608
            f"FROM ({query.sql('duckdb')}) a JOIN facts f USING (party)"
        )

    def collect_facts(self, parties: Sequence[RegisteredParty]) -> None:
        """Make `facts`: those of 2.2 for every registered party with a bill."""
        self._table(
            "register", "party TEXT, in_anhui BOOLEAN, kind TEXT", [(p.uscc, p.in_anhui, p.kind) for p in parties]
        )
        self.engine.execute(facts_query(self.parts))

    def fact_names(self) -> list[str]:
        """The facts in `answers`, behind party, status, amount and reasons."""
        return [name for name, *_ in self.rows("DESCRIBE facts") if name != "party"]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query over the tables gives."""
        return self.engine.execute(query).fetchall()

    def _calendar(self, days: list[date]) -> None:
        """`segment`: its seconds, its days, its month; `day`: which segment each day lies in."""
        rows = [
            (at, midnight(first), midnight(last), first, last, first.replace(day=1))
            for at, (first, last) in enumerate(itertools.pairwise(days))
        ]
        layout = "segment INTEGER, begins BIGINT, finishes BIGINT, starts DATE, ends DATE, month DATE"
        self._table("segment", layout, rows)
        self.engine.execute(
            f"CREATE TABLE day AS SELECT unnest(range(begins // {_DAY}, finishes // {_DAY})) AS day, segment, finishes "  # noqa: S608
            f"FROM (SELECT segment, begins + 8 * {_HOUR} AS begins, finishes + 8 * {_HOUR} AS finishes FROM segment)"
        )
        self.engine.execute(f"UPDATE day SET finishes = finishes - 8 * {_HOUR}")  # noqa: S608

    def _table(self, name: str, layout: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self.engine.execute(f"CREATE TABLE {name} ({layout})")
        if rows:  # by way of Arrow: an INSERT a row costs more than the whole settlement
            columns = {str(at): list(column) for at, column in enumerate(zip(*rows, strict=True))}
            self.engine.register("arriving", pa.table(columns))
            self.engine.execute(f"INSERT INTO {name} SELECT * FROM arriving")  # noqa: S608
            self.engine.unregister("arriving")


def _price(price: Price) -> tuple[str, str, int, date, date]:
    return price.centre, price.model, price.fen_per_card_hour, price.starts, price.ends or date.max


# A day's number is counted at Asia/Shanghai (UTC+8 all year round since 1991). Nearly every record ends in the segment
# in which it starts, and is found by its day; the few that cross a cut are set aside in the same scan, as a list, and
# compared with all segments.
_LINES = f"""
CREATE TABLE lines AS
WITH placed AS (
    SELECT party, centre, model, segment,
           sum(card_seconds) FILTER (ended <= finishes) AS card_seconds, count(*) FILTER (ended <= finishes) AS records,
           list({{'cards': cards, 'started': started, 'ended': ended, 'held': ended - started - suspended}})
               FILTER (ended > finishes) AS crossing
    FROM usage JOIN day ON (started + 8 * {_HOUR}) // {_DAY} = day.day GROUP BY ALL
),
crossing AS (
    SELECT party, centre, model, unnest(crossing, recursive := true) FROM placed
    UNION ALL
    SELECT party, centre, model, cards, started, ended, ended - started - suspended
    FROM usage WHERE started < (SELECT min(begins) FROM segment) AND ended > (SELECT min(begins) FROM segment)
),
cut AS (
    SELECT party, centre, model, segment, cards, held, started, ended,
           greatest(begins, started) AS cut_from, least(finishes, ended) AS cut_to
    FROM crossing JOIN segment ON started < finishes AND ended > begins
),
pieces AS (
    SELECT party, centre, model, segment, card_seconds, records FROM placed WHERE records > 0
    UNION ALL
    SELECT party, centre, model, segment,
           sum(cards * (held * (cut_to - started) // (ended - started)
                        - held * (cut_from - started) // (ended - started))) AS card_seconds,
           count(*) AS records
    FROM cut GROUP BY ALL
),
summed AS (
    SELECT party, centre, model, segment,
           CAST(sum(card_seconds) AS BIGINT) AS card_seconds, CAST(sum(records) AS BIGINT) AS records
    FROM pieces GROUP BY ALL
)
SELECT u.party, u.centre, u.model, s.month, s.starts, s.ends, u.card_seconds, u.records,
       p.fen AS fen_per_card_hour, coalesce(a.why, '') AS excluded_because
FROM summed u JOIN segment s USING (segment)
LEFT JOIN price p ON p.centre = u.centre AND p.model = u.model AND p.starts <= s.starts AND s.ends <= p.ends
LEFT JOIN affiliated a ON a.party = u.party AND a.centre = u.centre AND a.starts <= s.starts AND s.ends <= a.ends
"""  # noqa: S608

# fen = card-seconds x fen per card-hour / 3600, summed exactly, rounded half up once per bill
_BILLS = f"""
CREATE TABLE bills AS
SELECT party, centre, month, CAST(sum(card_seconds) AS BIGINT) AS card_seconds,
       CAST((2 * sum(card_seconds * fen_per_card_hour) + {_HOUR}) // (2 * {_HOUR}) AS BIGINT) AS amount_fen,
       CAST((2 * coalesce(sum(card_seconds * fen_per_card_hour) FILTER (excluded_because <> ''), 0) + {_HOUR})
            // (2 * {_HOUR}) AS BIGINT) AS excluded_fen
FROM lines WHERE party IS NOT NULL GROUP BY ALL
"""  # noqa: S608

# A bill's fen shared out among the parts of the year so that they add up to it: what is excluded and what counts, each
# by the rounded sum up to the part's end less that up to its beginning; what counts ends at what the bill has of it.
_BILL_PARTS = f"""
CREATE TABLE bill_parts AS
WITH exact AS (
    SELECT l.party, l.centre, l.month, p.starts,
           sum(card_seconds * fen_per_card_hour) FILTER (excluded_because = '') AS counted,
           sum(card_seconds * fen_per_card_hour) FILTER (excluded_because <> '') AS excluded
    FROM lines l JOIN part p ON p.starts <= l.starts AND l.ends <= p.ends WHERE party IS NOT NULL GROUP BY ALL
),
summed AS (
    SELECT party, centre, month, starts,
           sum(coalesce(counted, 0)) OVER so_far AS counted, sum(coalesce(excluded, 0)) OVER so_far AS excluded,
           row_number() OVER (PARTITION BY party, centre, month ORDER BY starts DESC) = 1 AS last
    FROM exact WINDOW so_far AS (PARTITION BY party, centre, month ORDER BY starts)
),
rounded AS (
    SELECT party, centre, month, starts, (2 * excluded + {_HOUR}) // (2 * {_HOUR}) AS excluded,
           CASE WHEN last THEN amount_fen - excluded_fen
                ELSE least((2 * counted + {_HOUR}) // (2 * {_HOUR}), amount_fen - excluded_fen) END AS counted
    FROM summed JOIN bills USING (party, centre, month)
),
shared AS (
    SELECT party, centre, month, starts, counted - coalesce(lag(counted) OVER before, 0) AS counted,
           excluded - coalesce(lag(excluded) OVER before, 0) AS excluded
    FROM rounded WINDOW before AS (PARTITION BY party, centre, month ORDER BY starts)
)
SELECT party, centre, month, starts, CAST(counted + excluded AS BIGINT) AS amount_fen,
       CAST(excluded AS BIGINT) AS excluded_fen
FROM shared
"""  # noqa: S608

_UNPRICED = """
SELECT centre, model, min(starts), max(ends), CAST(sum(card_seconds) AS BIGINT)
FROM lines WHERE party IS NOT NULL AND fen_per_card_hour IS NULL AND card_seconds > 0
GROUP BY centre, model ORDER BY centre, model
"""
