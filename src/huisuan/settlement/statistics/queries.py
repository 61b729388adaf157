"""The settled use by month and city, and by year and kind of party, as anyone may see it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from huisuan.settlement.runs.queries import latest_runs
from huisuan.settlement.statistics.disclosure import StatisticsCell, merge_unsafe_cells

#: parties that used something, by month and one column of theirs: how many, how much, the largest, their spend
_CELLS = """
SELECT {month} AS month, place, count(*), sum(seconds)::bigint, max(seconds)::bigint, sum(fen)::bigint FROM (
    SELECT {month_of}, p.{column} AS place, b.party_id, sum(b.card_seconds) AS seconds, sum(b.amount_fen) AS fen
    FROM settlement_bill b JOIN parties_party p ON p.id = b.party_id
    WHERE b.run_id = ANY(%s) AND {where} AND b.card_seconds > 0 GROUP BY 1, 2, 3
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


def monthly_by_city(year: int) -> list[StatisticsRow]:
    """By month and city (its region code) of the parties; months of which nothing may be said are not there."""
    runs = list(latest_runs().filter(year=year).values_list("pk", flat=True))
    return _rows(_CELLS.format(month="month", month_of="b.month", column="region_id", where="true"), [runs])


def yearly_by_kind(year: int) -> list[StatisticsRow]:
    """Of the published months of a year, by kind of party: of all months, the difference would tell of the others."""
    runs = list(latest_runs().filter(year=year).values_list("pk", flat=True))
    months = [row.month for row in monthly_by_city(year)]
    query = _CELLS.format(month="NULL::date", month_of="1 AS one", column="kind", where="b.month = ANY(%s)")
    return _rows(query, [runs, months])


def _rows(query: str, parameters: list[Any]) -> list[StatisticsRow]:
    found: dict[date | None, dict[str, StatisticsCell]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        for month, place, *numbers in cursor.fetchall():
            found[month][place] = StatisticsCell(*numbers)
    return [
        StatisticsRow(month, key, cell)
        for month in sorted(found, key=lambda each: each or date.min)
        for key, cell in sorted(merge_unsafe_cells(found[month]).items())
    ]
