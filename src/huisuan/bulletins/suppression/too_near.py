"""Which readers come too near to a protected cell, asked with few programs.

A point (a value of every hidden cell) that one reader cannot rule out, and that lies far enough from the truth, shows
that the cell keeps its interval before every other reader who cannot rule it out either: that is seen without a
program. Since nobody can rule out the truth, every point between it and such a point does as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from huisuan.bulletins.suppression.attack import Interval, Reader
from huisuan.bulletins.suppression.contributors import InsideReader
from huisuan.bulletins.suppression.linked_cells import LinkedCells
from huisuan.bulletins.suppression.sensitive_cells import ProtectedInterval
from huisuan.bulletins.suppression.solver import Numbers

_NEAR = 1e-7  # of the value: how far a point may lie outside what a reader knows; the solver is no more exact


@dataclass(frozen=True)
class Breach:
    """A protected cell (its number) that somebody comes too near to; `reader` is empty for an outsider."""

    cell: int
    reader: str
    interval: Interval


def find_readers_too_near(
    readers: Sequence[InsideReader], system: LinkedCells, published: Mapping[int, int], hidden: Collection[int],
    protected: Mapping[int, ProtectedInterval],
) -> Iterator[Breach]:  # fmt: skip
    """Of each protected cell every reader who comes too near."""
    asked = _Readers(readers, system, published, hidden)
    for cell, needed in protected.items():
        near = {*asked.not_kept(cell, needed, is_up=True), *asked.not_kept(cell, needed, is_up=False)}
        for at in sorted(near):
            yield Breach(cell, readers[at].name, asked.interval(at, cell))


class _Readers:
    """All readers with what each knows, row by row, and one program that reads as any of them."""

    def __init__(
        self, readers: Sequence[InsideReader], system: LinkedCells, published: Mapping[int, int],
        hidden: Collection[int],
    ) -> None:  # fmt: skip
        self._readers, self._system = readers, system
        cells = sorted(hidden)
        self._column = {cell: at for at, cell in enumerate(cells)}
        self._truth = np.array([system.values[cell] for cell in cells], float)
        self._least = np.zeros((len(readers), len(cells)))
        self._most = np.full((len(readers), len(cells)), np.inf)
        for row, reader in enumerate(readers):
            for cell, value in {**reader.floors, **reader.own}.items():
                self._least[row, self._column[cell]] = value
            for cell, value in reader.own.items():
                self._most[row, self._column[cell]] = value
        self._room = _NEAR * np.maximum(1.0, self._truth)
        self._all_floors: dict[int, int] = {}
        for reader in readers:
            for cell, value in reader.floors.items():
                self._all_floors[cell] = max(value, self._all_floors.get(cell, 0))
        self._program = Reader(system.sums, published, hidden, self._all_floors)

    def interval(self, row: int, cell: int) -> Interval:
        """What a cell can be for a reader."""
        self._program.read_as(self._readers[row].floors, self._readers[row].own)
        return self._program.interval(cell)

    def not_kept(self, cell: int, needed: ProtectedInterval, *, is_up: bool) -> list[int]:
        """The readers before whom a cell cannot be as far from its value as it must be."""
        value, near = self._system.values[cell], list[int]()
        known = np.array([reader.known_of(cell) for reader in self._readers], float)
        alone = np.array([cell in reader.own for reader in self._readers])
        steps = np.full(len(known), float(needed.above)) if is_up else np.minimum(needed.below, value - known)
        left = [int(row) for row in np.flatnonzero(~alone & (steps > 0))]
        while left:
            row = left[0]
            target = value + int(steps[row]) * (1 if is_up else -1)
            point = self._point(self._readers[row], cell, target, is_up)
            if point is None:
                near.append(row)
                left = left[1:]
            else:
                left = [one for one, fits in zip(left, self._fits(left, point, cell, steps), strict=True) if not fits]
                left = [one for one in left if one != row]  # it was asked itself
        return near

    def _point(self, reader: InsideReader, cell: int, value: int, is_up: bool) -> Numbers | None:
        """One that shows it of this reader; if there is one, such that it shows it of as many others as can be."""
        self._program.read_as({**self._all_floors, cell: reader.known_of(cell)}, reader.own)
        point = self._program.point_at(cell, value, is_up)
        if point is None:
            self._program.read_as(reader.floors, reader.own)
            point = self._program.point_at(cell, value, is_up)
        return point

    def _fits(self, rows: Sequence[int], point: Numbers, cell: int, steps: Numbers) -> Numbers:
        """Whether a point shows it of these readers: none of them can rule out one as far away as must be."""
        column = self._column[cell]
        far = abs(float(point[column] - self._truth[column]))
        parts = np.minimum(1.0, steps[rows] / far)[:, None]
        points = self._truth + parts * (point - self._truth)
        kept = (points >= self._least[rows] - self._room) & (points <= self._most[rows] + self._room)
        enough = steps[rows] <= far * (1 + _NEAR) + _NEAR
        fits: Numbers = kept.all(axis=1) & enough
        return fits
