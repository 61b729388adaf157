"""Cells of any number of tables as one system: each cell has a key, and sums say which cells add up to which.

A key is a tuple of members, one a dimension (measure, period, region, kind). `Breakdown` says of a dimension that one
member is the sum of others (the province of its cities, a half-year of its quarters); wherever a cell and all its
parts are there, a sum follows. Tables are linked by nothing but equal keys and such sums, over any number of bulletins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from huisuan.base.errors import InvalidRequest

CellKey = tuple[str, ...]
#: two cells of which readers know that they are equal: a cell and its former version
SameCells = tuple[CellKey, CellKey]


@dataclass(frozen=True)
class Breakdown:
    """In dimension number `dimension` (from 0), `whole` is the sum of `parts`."""

    dimension: int
    whole: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class CellSum:
    """One sum: the cell `whole` is what `parts` add up to, in numbers of cells."""

    whole: int
    parts: tuple[int, ...]

    @property
    def terms(self) -> tuple[tuple[int, int], ...]:
        """The sum as an equation that is nought: each cell with its sign."""
        return ((self.whole, -1), *((part, 1) for part in self.parts))


def list_sums(keys: Sequence[CellKey], breakdowns: Iterable[Breakdown]) -> list[CellSum]:
    """Every sum that holds between cells, each once, in a fixed order."""
    number = {key: at for at, key in enumerate(keys)}
    by_member: dict[tuple[int, str], list[CellKey]] = defaultdict(list)
    for key in keys:
        for dimension, member in enumerate(key):
            by_member[dimension, member].append(key)
    found: dict[CellSum, None] = {}
    for one in dict.fromkeys(breakdowns):
        for key in by_member[one.dimension, one.whole]:
            parts = [number.get((*key[: one.dimension], part, *key[one.dimension + 1 :])) for part in one.parts]
            if parts and None not in parts:
                found[CellSum(number[key], tuple(part for part in parts if part is not None))] = None
    return list(found)


def list_equal(keys: Sequence[CellKey], same: Iterable[SameCells]) -> list[CellSum]:
    """Cells that are equal, as sums of one part, where both are there."""
    number = {key: at for at, key in enumerate(keys)}
    return [CellSum(number[one], (number[other],)) for one, other in same if one in number and other in number]


@dataclass(frozen=True)
class SourceCell:
    """A cell with what is in it: the value of each contributor, in whole units that are published (persons, yuan)."""

    key: CellKey
    contributions: Mapping[str, int]
    level: int = 0  # 0: the coarsest; where not all can be published, the finest level is left out first
    weight: int = 1  # what it costs to hide it
    stays: bool = False  # published as long as its level is

    @property
    def value(self) -> int:
        """The sum of all contributions."""
        return sum(self.contributions.values())

    @property
    def largest(self) -> list[int]:
        """The contributions, largest first."""
        return sorted(self.contributions.values(), reverse=True)


class LinkedCells:
    """Cells and their sums, checked: keys differ, values add up, nothing is below nought."""

    def __init__(
        self, cells: Sequence[SourceCell], breakdowns: Iterable[Breakdown], same: Iterable[SameCells] = ()
    ) -> None:
        """Raises `InvalidRequest` where a key comes twice, a contribution is negative, or a sum does not hold."""
        self.cells = tuple(cells)
        self.keys = tuple(cell.key for cell in cells)
        self.number = {key: at for at, key in enumerate(self.keys)}
        if len(self.number) != len(self.cells):
            twice = next(key for key in self.keys if self.keys.count(key) > 1)
            raise InvalidRequest(f"表格里单元格 {'/'.join(twice)} 出现两次", code="bulletin.cell_twice")
        self.values = tuple(cell.value for cell in cells)
        self.breakdowns = tuple(dict.fromkeys(breakdowns))
        self.same = tuple(same)
        self.sums = (*list_sums(self.keys, self.breakdowns), *list_equal(self.keys, self.same))
        self._check()

    def _check(self) -> None:
        for cell in self.cells:
            if any(value < 0 for value in cell.contributions.values()):
                raise InvalidRequest(
                    f"单元格 {'/'.join(cell.key)} 里有负数：抑制只对不为负的数有保证，请把退回另列一张表",
                    code="bulletin.cell_negative",
                )
        for one in self.sums:
            parts = sum(self.values[part] for part in one.parts)
            if parts != self.values[one.whole]:
                raise InvalidRequest(
                    f"单元格 {'/'.join(self.keys[one.whole])} 是 {self.values[one.whole]}，各部分之和是 {parts}",
                    code="bulletin.sum_does_not_hold",
                )
