"""How far hidden cells can move away from their values while every sum holds: the chooser's view of a reader.

One linear program over all cells that could be hidden, in deviations from the true values. A pattern bounds them: a
published cell cannot move. Where a protected cell reaches too little, the program's reduced costs say which cells would
have to be hidden (a Benders cut: Fischetti and Salazar-Gonzalez, Management Science 47, 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from huisuan.bulletins.suppression.contributors import OUTSIDER, InsideReader
from huisuan.bulletins.suppression.linked_cells import LinkedCells
from huisuan.bulletins.suppression.sensitive_cells import ProtectedInterval
from huisuan.bulletins.suppression.solver import Numbers, ProgramRow, load_program

NEAR = 1e-6
_LARGEST = 2**20


@dataclass(frozen=True)
class Need:
    """A protected cell (column), which way it must be able to move (1 up, -1 down), how far, before whom."""

    column: int
    sign: int
    reach: float
    reader: InsideReader


@dataclass(frozen=True)
class Shortfall:
    """A need that a pattern does not meet: one of the cells (columns) with a weight of 1 in all must be hidden too."""

    need: Need
    weights: Numbers


class Deviations:
    """The program. Columns are the cells in `movable`, in that order."""

    def __init__(self, system: LinkedCells, movable: Sequence[int], protected: Mapping[int, ProtectedInterval]) -> None:
        """`protected` cells are among the movable."""
        self.movable = list(movable)
        self.column = {cell: at for at, cell in enumerate(self.movable)}
        self._values = np.array([system.values[cell] for cell in self.movable], float)
        self._protected = protected
        furthest = max([1.0, *self._values, *(one.above for one in protected.values())])
        self.unit = 2.0 ** max(0.0, np.ceil(np.log2(furthest / _LARGEST)))
        self.high = np.full(len(self.movable), 2 * furthest / self.unit)
        self.rows = [
            (0.0, 0.0, [self.column[cell] for cell, _ in kept], [float(sign) for _, sign in kept])
            for kept in ([term for term in one.terms if term[0] in self.column] for one in system.sums)
            if kept
        ]
        nought = np.zeros(len(self.movable))
        self._solver = load_program(nought, nought, nought, self.rows)
        thrice = np.tile(nought, 3)
        self._quiet = load_program(thrice, thrice, thrice, both_ways(self.rows, len(nought), deeper=True))
        self._parts = np.arange(len(thrice), dtype=np.int32)
        self._indices = np.arange(len(self.movable), dtype=np.int32)
        self._asked = 0

    def bounds(self, reader: InsideReader) -> tuple[Numbers, Numbers]:
        """How far down (not above 0) and up each cell can move for all that the reader knows."""
        low, high = -self._values / self.unit, self.high.copy()
        for cell, value in reader.floors.items():
            if cell in self.column:
                low[self.column[cell]] += value / self.unit
        for cell in reader.own:
            if cell in self.column:
                low[self.column[cell]] = high[self.column[cell]] = 0.0
        return low, high

    def needs(self, reader: InsideReader = OUTSIDER) -> list[Need]:
        """What must hold before this reader; nothing of a cell that is its own."""
        found = []
        for cell, interval in self._protected.items():
            column = self.column[cell]
            if cell in reader.own:
                continue
            below = min(float(interval.below), self._values[column] - reader.known_of(cell))
            found.append(Need(column, 1, interval.above / self.unit, reader))
            if below > 0:
                found.append(Need(column, -1, below / self.unit, reader))
        return found

    def reach(self, need: Need, hidden: Numbers, low: Numbers, high: Numbers) -> tuple[float, Numbers, Numbers]:
        """How far the cell can move that way, where everything then stands, and the reduced costs."""
        low, high = low * hidden, high * hidden
        if need.sign > 0:  # no further than needed: the solver has less to do, and fewer cells move
            high[need.column] = min(high[need.column], need.reach)
        else:
            low[need.column] = max(low[need.column], -need.reach)
        self._solver.changeColsBounds(len(self.movable), self._indices, low, high)
        self._solver.changeColCost(self._asked, 0.0)
        self._solver.changeColCost(need.column, -float(need.sign))
        self._asked = need.column
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            self._solver.clearSolver()
            self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS: {self._solver.getModelStatus()}")
        solution = self._solver.getSolution()
        point = np.array(solution.col_value)
        return need.sign * float(point[need.column]), point, -np.array(solution.col_dual)

    def quiet_point(
        self, need: Need, hidden: Numbers, low: Numbers, high: Numbers, cost: Numbers, safe: Numbers | None = None
    ) -> Numbers | None:  # fmt: skip
        """A point that shows that a need is met and moves little of what `cost` names; None: there is none.

        `safe`: how far down each cell can move before every reader; below that it moves as little as can be.
        """
        count = len(self.movable)
        safe = low if safe is None else np.maximum(safe, low)
        deeper = (safe - low) * hidden
        upper = np.concatenate([high * hidden, -safe * hidden, deeper])
        lower = np.zeros(3 * count)
        this, that = (need.column, need.column + count)[:: need.sign]
        upper[need.column + 2 * count] = 0.0  # how far the cell itself goes is asked, not chosen
        upper[need.column + count] = -low[need.column] * hidden[need.column]
        if upper[this] < need.reach:
            return None
        lower[this], upper[this], upper[that] = need.reach, need.reach, 0.0
        below = np.where(deeper > 0, 1.0 / np.maximum(deeper, NEAR), 0.0)
        self._quiet.changeColsCost(3 * count, self._parts, np.concatenate([cost, cost, cost + below]))
        self._quiet.changeColsBounds(3 * count, self._parts, lower, upper)
        self._quiet.run()
        if self._quiet.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        up, down, more = np.array(self._quiet.getSolution().col_value, float).reshape(3, count)
        moved: Numbers = up - down - more
        return moved

    def shortfall(self, need: Need, hidden: Numbers, low: Numbers, high: Numbers) -> Shortfall | Numbers:
        """What the pattern lacks for this need, or a point that shows that it is met. `hidden` may be fractions."""
        reached, point, reduced = self.reach(need, hidden, low, high)
        if reached >= need.reach * (1 - NEAR):
            return point
        weights = np.maximum(reduced, 0.0) * high + np.maximum(-reduced, 0.0) * -low
        return Shortfall(need, weights)


def both_ways(rows: list[ProgramRow], count: int, *, deeper: bool = False) -> list[ProgramRow]:
    """Rows over columns that are split into how far up and how far down each cell moves; `deeper`: down twice."""
    downs = (1, 2) if deeper else (1,)
    return [
        (
            least, most, [*columns, *(one + part * count for part in downs for one in columns)],
            [*signs, *(-one for _ in downs for one in signs)],
        )
        for least, most, columns, signs in rows
    ]  # fmt: skip
