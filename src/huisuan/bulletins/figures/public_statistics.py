"""What the public statistics of use say already, month by month: whoever subtracts them from a bulletin has the rest.

Months are parts of their quarter and cells of their own: a month of a city that the statistics merged into "others" is
protected like any cell. The kinds of a year are those of the months that were shown. Quarters that are frozen with
other figures than the statistics have now are not added up of their months.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from huisuan.bulletins.figures.contributions import WHOLE_MEMBER, KeptContributions
from huisuan.bulletins.figures.former_versions import CellsBeside
from huisuan.bulletins.figures.periods import PERIOD_DIMENSION
from huisuan.bulletins.suppression.linked_cells import Breakdown, CellKey, SourceCell
from huisuan.settlement.statistics.disclosure import OTHERS
from huisuan.settlement.statistics.queries import StatisticsRow, monthly_by_city, yearly_by_kind
from huisuan.settlement.statistics.use_pieces import PartyUse, list_used

_REGION = 2  # dimension of a key


def list_statistics_cells(
    measure: str, kinds: Sequence[str], places: Sequence[str], place: Callable[[str], str], kept: KeptContributions
) -> list[CellsBeside]:
    """By year of the quarters that are kept; `place` says in which of the places a region lies."""
    quarters = sorted(quarter for name, quarter in kept.found if name == measure)
    return [
        found
        for year in sorted({int(quarter[:4]) for quarter in quarters})
        if (found := _of_year(_Year.read(year, measure, place), kinds, places, quarters, kept)).quarters
    ]


@dataclass(frozen=True)
class _Year:
    """The settled use of a year and what is shown of it."""

    year: int
    measure: str
    place: Callable[[str], str]
    used: Mapping[str, list[PartyUse]]  # by month
    shown: Mapping[str, Mapping[str, int]]  # by month and region
    shown_kinds: Mapping[str, int]

    @classmethod
    def read(cls, year: int, measure: str, place: Callable[[str], str]) -> _Year:
        used: dict[str, list[PartyUse]] = {_month(date(year, at, 1)): [] for at in range(1, 13)}
        for one in list_used(date(year, 1, 1), date(year, 12, 31)):
            used[_month(one.month)].append(one)
        shown: dict[str, dict[str, int]] = defaultdict(dict)
        for row in monthly_by_city(year):
            if row.month is not None:
                shown[_month(row.month)][row.key] = row.cell.card_seconds
        return cls(year, measure, place, used, shown, _seconds(yearly_by_kind(year)))

    def member(self, region: str, parts: Mapping[str, Sequence[str]]) -> str:
        """A region as a member of a key: its place, or itself where its place has parties of other regions, too."""
        return _within(region) if self.place(region) in parts else self.place(region)


def _of_year(
    year: _Year, kinds: Sequence[str], places: Sequence[str], quarters: Sequence[str], kept: KeptContributions
) -> CellsBeside:
    within: dict[str, set[str]] = defaultdict(set)
    for rows in year.used.values():
        for one in rows:
            within[year.place(one.region)].add(_within(one.region))
    parts = {whole: sorted(each) for whole, each in within.items() if each != {_within(whole)}}
    linked = [quarter for quarter in quarters if _adds_up(year, quarter, kept)]
    cells = [cell for month in year.used for cell in _month_cells(year, month, kinds, places, parts)]
    published = {key for month in year.shown for key in _published(year, month, parts)}
    breakdowns = [
        *(Breakdown(PERIOD_DIMENSION, quarter, _months_of(quarter)) for quarter in linked),
        *(Breakdown(_REGION, whole, tuple(each)) for whole, each in parts.items()),
    ]
    if year.shown_kinds:
        months, whole = tuple(sorted(year.shown)), f"{year.year} shown"
        breakdowns.append(Breakdown(PERIOD_DIMENSION, whole, months))
        cells += _kind_cells(year, whole, months, kinds)
        published |= {
            (year.measure, whole, WHOLE_MEMBER, kind) for kind in [*year.shown_kinds, WHOLE_MEMBER] if kind != OTHERS
        }
    known = {cell.key for cell in cells}
    return CellsBeside(frozenset(linked), tuple(cells), frozenset(published & known), (), tuple(breakdowns))


def _month_cells(
    year: _Year, month: str, kinds: Sequence[str], places: Sequence[str], parts: Mapping[str, Sequence[str]]
) -> Iterator[SourceCell]:
    by_region: dict[str, Counter[str]] = defaultdict(Counter)
    for one in year.used[month]:
        for region in {year.place(one.region), year.member(one.region, parts), WHOLE_MEMBER}:
            by_region[region][one.whose] += one.card_seconds
    leaves = [leaf for each in parts.values() for leaf in each]
    for region in [*places, *leaves, WHOLE_MEMBER]:
        yield SourceCell((year.measure, month, region, WHOLE_MEMBER), dict(by_region[region]), stays=True)
    yield from (cell for cell in _kind_cells(year, month, (month,), kinds) if cell.key[3] != WHOLE_MEMBER)


def _kind_cells(year: _Year, period: str, months: Iterable[str], kinds: Sequence[str]) -> Iterator[SourceCell]:
    by_kind: dict[str, Counter[str]] = defaultdict(Counter)
    for month in months:
        for one in year.used[month]:
            for kind in (one.kind, WHOLE_MEMBER):
                by_kind[kind][one.whose] += one.card_seconds
    for kind in [*kinds, WHOLE_MEMBER]:
        yield SourceCell((year.measure, period, WHOLE_MEMBER, kind), dict(by_kind[kind]), stays=True)


def _within(region: str) -> str:
    return f"within {region}"


def _published(year: _Year, month: str, parts: Mapping[str, Sequence[str]]) -> Iterator[CellKey]:
    yield (year.measure, month, WHOLE_MEMBER, WHOLE_MEMBER)
    for region in year.shown[month]:
        if region != OTHERS:
            yield (year.measure, month, year.member(region, parts), WHOLE_MEMBER)


def _adds_up(year: _Year, quarter: str, kept: KeptContributions) -> bool:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    if not quarter.startswith(str(year.year)):
        return False
    for month in _months_of(quarter):
        for one in year.used[month]:
            found[year.place(one.region), one.kind][one.whose] += one.card_seconds
    return {at: dict(each) for at, each in found.items()} == kept.found[year.measure, quarter]


def _months_of(quarter: str) -> tuple[str, ...]:
    first = 3 * int(quarter[-1]) - 2
    return tuple(_month(date(int(quarter[:4]), first + at, 1)) for at in range(3))


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _seconds(rows: Iterable[StatisticsRow]) -> dict[str, int]:
    return {row.key: row.cell.card_seconds for row in rows}
