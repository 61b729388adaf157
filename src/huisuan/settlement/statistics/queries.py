"""The settled use by month and city, and by year and kind of party, as anyone may see it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from huisuan.parties.party_state import PartyState
from huisuan.parties.state_history import load_changed_spans
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.inputs import start_of_day
from huisuan.settlement.runs.queries import billing_runs, latest_runs
from huisuan.settlement.statistics.disclosure import StatisticsCell, merge_unsafe_cells

#: parties that used something in a month that was over when it was settled, by month and one column of theirs as it
#: stood on the month's last day: a later move changes nothing of the months before it
_CELLS = """
WITH stood AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[], %s::text[])
        AS s (run_id, uscc, starts, ends, place)
)
SELECT {month} AS month, place, count(*), sum(seconds)::bigint, max(seconds)::bigint, sum(fen)::bigint,
    count(*) FILTER (WHERE fen > 0), max(fen)::bigint
FROM (
    SELECT {month_of}, coalesce(stood.place, p.{column}) AS place, b.party_id, sum(b.card_seconds) AS seconds,
        sum(b.amount_fen) AS fen
    FROM settlement_bill b JOIN parties_party p ON p.id = b.party_id
    JOIN settlement_settlementrun r ON r.id = b.run_id
    LEFT JOIN stood ON stood.run_id = b.run_id AND stood.uscc = p.uscc
        AND stood.starts < b.month + interval '1 month' AND stood.ends >= b.month + interval '1 month'
    WHERE b.run_id = ANY(%s) AND {where} AND b.card_seconds > 0
        AND b.month + interval '1 month' <= r.made_at AT TIME ZONE 'Asia/Shanghai'
    GROUP BY 1, 2, 3
) AS used GROUP BY 1, 2
"""


@dataclass(frozen=True)
class StatisticsRow:
    """One published sum: of a month (None: of the year) and a city or a kind, or of what was merged."""

    month: date | None
    key: str
    cell: StatisticsCell


def settled_statistics_years() -> list[int]:
    """The years that are settled, the latest first."""
    return sorted(set(latest_runs().values_list("year", flat=True)), reverse=True)


def is_settled_whole(year: int) -> bool:
    """Whether a year was over when it was settled."""
    ends = start_of_day(date(year + 1, 1, 1))
    return all(run.made_at >= ends for run in billing_runs(year))


def monthly_by_city(year: int) -> list[StatisticsRow]:
    """By month and city (its region code, as the run knew it) of the parties; months of which nothing may be said are
    not there.

    Nor is one that was not over: from one settlement to the next it would grow by what a day's few parties used.
    """
    query = _CELLS.format(month="month", month_of="b.month", column="region_id", where="true")
    runs = list(billing_runs(year))
    return _rows(_cells(query, [*_stood(runs, year, lambda state: state.region), [run.pk for run in runs]]))


def yearly_by_kind(year: int) -> list[StatisticsRow]:
    """Of the published months of a year, by kind of party: of all months, the difference would tell of the others.

    Nothing of a year that was not over: each month its sums would grow by those of one month, of which a kind may have
    had one party. Nor does a kind stand alone that may not in one of the months: a bulletin of the other quarters,
    subtracted, would leave that month's.
    """
    if not is_settled_whole(year):
        return []
    months = sorted({row.month for row in monthly_by_city(year) if row.month})
    runs = list(billing_runs(year))
    parameters = [*_stood(runs, year, lambda state: state.kind), [run.pk for run in runs], months]
    in_months = _CELLS.format(month="month", month_of="b.month", column="kind", where="b.month = ANY(%s)")
    unsafe = {
        kind for cells in _cells(in_months, parameters).values() for kind, cell in cells.items() if not cell.is_safe
    }
    query = _CELLS.format(month="NULL::date", month_of="1 AS one", column="kind", where="b.month = ANY(%s)")
    return _rows(_cells(query, parameters), unsafe)


def _stood(runs: list[SettlementRun], year: int, place: Callable[[PartyState], str | None]) -> list[list[Any]]:
    """Where the parties whose state ever changed stood by day, as each run knew it: columns of `stood`."""
    rows = [
        (run.pk, span.uscc, span.starts, span.ends, place(span.state))
        for run in runs
        for span in load_changed_spans(date(year, 1, 1), date(year + 1, 1, 1), run.as_known)
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], [], []]


def _cells(query: str, parameters: list[Any]) -> dict[date | None, dict[str, StatisticsCell]]:
    found: dict[date | None, dict[str, StatisticsCell]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        for month, place, *numbers in cursor.fetchall():
            found[month][place] = StatisticsCell(*numbers)
    return found


def _rows(
    found: Mapping[date | None, Mapping[str, StatisticsCell]], never: Collection[str] = ()
) -> list[StatisticsRow]:
    return [
        StatisticsRow(month, key, cell)
        for month in sorted(found, key=lambda each: each or date.min)
        for key, cell in sorted(merge_unsafe_cells(found[month], never).items())
    ]
