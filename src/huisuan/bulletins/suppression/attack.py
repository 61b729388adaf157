"""What a reader finds out about hidden cells: the least and the most that each can be, by linear programs.

The reader knows every published value, every sum, and that nothing is below nought; a contributor knows besides what is
its own (`floors`: a cell is no less), and a cell all of which is its own (`own`). The attack does not know how the
cells were chosen and shares no code with what chose them. Values are whole, so ends of intervals are rounded inwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from huisuan.base.errors import InvalidRequest
from huisuan.bulletins.suppression.linked_cells import CellSum
from huisuan.bulletins.suppression.solver import Numbers, load_program

_NEAR = 1e-6  # of a unit, or of a value: what a solver in doubles may be off
_LARGEST = 2**24
_ENDED = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kUnbounded)


@dataclass(frozen=True)
class Interval:
    """What a hidden cell can be, both ends included; no `most`: nothing bounds it."""

    least: int
    most: int | None

    @property
    def is_exact(self) -> bool:
        """Whether the cell is recovered."""
        return self.most is not None and self.most <= self.least


class Reader:
    """Somebody who has the published cells and adds up."""

    def __init__(
        self, sums: Sequence[CellSum], published: Mapping[int, int], hidden: Iterable[int],
        floors: Mapping[int, int] | None = None, own: Mapping[int, int] | None = None,
    ) -> None:  # fmt: skip
        """`published` holds the values that are out; `hidden` the cells that are not."""
        self._cells = sorted(set(hidden))
        self._column = {cell: at for at, cell in enumerate(self._cells)}
        known = {**published}
        largest = max([1, *known.values(), *(floors or {}).values(), *(own or {}).values()])
        self._unit = 2.0 ** max(0, math.ceil(math.log2(largest / _LARGEST)))  # a power of two: exact in doubles
        lower, upper = self._known(floors or {}, own or {})
        self._bounds = list(zip(lower.tolist(), upper.tolist(), strict=True))
        self._solver = load_program(np.zeros(len(self._cells)), lower, upper, list(self._rows(sums, known)))
        self._asked: int | None = None

    def read_as(self, floors: Mapping[int, int], own: Mapping[int, int]) -> None:
        """Be somebody else from now on, who sees the same and knows this of its own."""
        lower, upper = self._known(floors, own)
        self._bounds = list(zip(lower.tolist(), upper.tolist(), strict=True))
        self._solver.changeColsBounds(len(lower), np.arange(len(lower), dtype=np.int32), lower, upper)

    def _known(self, floors: Mapping[int, int], own: Mapping[int, int]) -> tuple[Numbers, Numbers]:
        """The least and the most that each hidden cell can be for all that somebody knows of its own."""
        lower = np.zeros(len(self._cells))
        upper = np.full(len(self._cells), highspy.kHighsInf)
        for cell, value in floors.items():
            if cell in self._column:
                lower[self._column[cell]] = value / self._unit
        for cell, value in own.items():
            if cell in self._column:
                lower[self._column[cell]] = upper[self._column[cell]] = value / self._unit
        return lower, upper

    def _rows(
        self, sums: Sequence[CellSum], known: Mapping[int, int]
    ) -> Iterable[tuple[float, float, list[int], list[float]]]:
        for one in sums:
            unknown = [(self._column[cell], float(sign)) for cell, sign in one.terms if cell in self._column]
            if not unknown or any(cell not in self._column and cell not in known for cell, _ in one.terms):
                continue
            rest = -sum(sign * known[cell] for cell, sign in one.terms if cell not in self._column) / self._unit
            yield rest, rest, [column for column, _ in unknown], [sign for _, sign in unknown]

    def interval_if_open(self, cell: int) -> Interval:
        """What a cell could be if this reader knew nothing of it, all else as it is known."""
        column = self._column[cell]
        self._solver.changeColBounds(column, 0.0, highspy.kHighsInf)
        found = self.interval(cell)
        self._solver.changeColBounds(column, *self._bounds[column])
        return found

    def point_at(self, cell: int, value: int, is_up: bool) -> Numbers | None:
        """Where all hidden cells, in order of their numbers, could stand with this one at a value; None: it cannot be.

        `is_up`: the value lies above the true one.

        Raises:
            InvalidRequest: as `interval`.
        """
        column = self._column[cell]
        low, high = self._bounds[column]
        wanted = value / self._unit
        bounds = (low, min(high, wanted)) if is_up else (max(low, wanted), high)
        if self._asked is not None:
            self._solver.changeColCost(self._asked, 0.0)
        self._asked = column
        self._solver.changeColBounds(column, *bounds)
        reached = self._extreme(column, -1.0 if is_up else 1.0)
        point = np.array(self._solver.getSolution().col_value, float) * self._unit
        self._solver.changeColBounds(column, low, high)
        assert reached is not None  # bounded by the value
        short = value - reached if is_up else reached - value
        return point if short <= self._slack(value) else None

    def interval(self, cell: int) -> Interval:
        """What the cell can be.

        Raises:
            InvalidRequest: the published values contradict each other, or what the reader knows.
        """
        column = self._column[cell]
        if self._asked is not None:
            self._solver.changeColCost(self._asked, 0.0)
        self._asked = column
        least = self._extreme(column, 1.0)
        most = self._extreme(column, -1.0)
        assert least is not None  # bounded by nought
        return Interval(
            math.ceil(least - self._slack(least)), None if most is None else math.floor(most + self._slack(most))
        )

    def _slack(self, value: float) -> float:
        return _NEAR * max(1.0, self._unit, abs(value) * 1e-6)

    def _extreme(self, column: int, sign: float) -> float | None:
        self._solver.changeColCost(column, sign)
        self._solver.run()
        status = self._solver.getModelStatus()
        if status not in _ENDED:  # from a basis of another question it may lose its way
            self._solver.clearSolver()
            self._solver.run()
            status = self._solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return float(self._solver.getInfo().objective_function_value) * sign * self._unit
        if (
            status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)
            and sign < 0
        ):
            return None
        raise InvalidRequest(
            "公布的数互相矛盾，加不起来：请核对各期通报的数据文件是否完整、是否同一口径",
            code="bulletin.published_contradict",
        )
