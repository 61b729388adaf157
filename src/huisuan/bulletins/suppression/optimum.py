"""The cheapest pattern, proved: a master program over which cells are hidden, cut until nothing is lacking."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from huisuan.bulletins.suppression.deviations import Shortfall
from huisuan.bulletins.suppression.sequential import SequentialChoice
from huisuan.bulletins.suppression.shortfalls import ShortfallSearch
from huisuan.bulletins.suppression.solver import Numbers, ProgramRow, SilentHighs, load_program

HiddenColumns = NDArray[np.bool_]
_ROOT_ROUNDS = 60


@dataclass(frozen=True)
class Chosen:
    """A pattern with what it costs, and what no pattern can cost less than."""

    hidden: HiddenColumns
    cost: float
    at_least: float

    @property
    def is_optimal(self) -> bool:
        """Whether it is proved to be the cheapest."""
        return self.cost <= self.at_least + 1e-6


class OptimalChoice:
    """Improves a pattern until it is proved to be the cheapest or time is up."""

    def __init__(
        self, rows: list[ProgramRow], search: ShortfallSearch,
        sequential: SequentialChoice, weights: Numbers, forced: HiddenColumns, free: HiddenColumns,
    ) -> None:  # fmt: skip
        """`rows` are the sums by column; `forced` are hidden in any case, `free` may be."""
        self._search, self._sequential, self._weights = search, sequential, weights
        self._forced, self._free = forced, free
        cost = np.where(free, weights, 0.0)
        lower, upper = forced.astype(float), (forced | free).astype(float)
        self._solver: SilentHighs = load_program(cost, lower, upper, list(self._no_lone_cell(rows)))
        self._solver.setOptionValue("mip_rel_gap", 0.0)
        self._solver.setOptionValue("mip_abs_gap", 0.999 if (weights == weights.round()).all() else 1e-6)

    def _no_lone_cell(self, rows: list[ProgramRow]) -> list[ProgramRow]:
        """In no sum is one cell hidden alone: it would be the rest of the others."""
        found = []
        for _, _, columns, _ in rows:
            hideable = [one for one in columns if self._forced[one] or self._free[one]]
            forced = sum(bool(self._forced[one]) for one in hideable)
            for one in hideable:
                others = [other for other in hideable if other != one]
                if forced - bool(self._forced[one]) == 0:
                    found.append((0.0, highspy.kHighsInf, [*others, one], [*(1.0 for _ in others), -1.0]))
        return found

    def improve(self, best: HiddenColumns, seconds: float) -> Chosen:
        """The cheapest pattern that is found in this time, from one that meets every need."""
        ends = time.thread_time() + seconds
        at_least = self._root(ends)
        self._solver.changeColsIntegrality(
            len(self._weights), np.arange(len(self._weights), dtype=np.int32),
            np.full(len(self._weights), int(highspy.HighsVarType.kInteger), np.uint8),
        )  # fmt: skip
        self._solver.setOptionValue("presolve", "on")
        self._solver.setOptionValue("solver", "choose")
        while time.thread_time() < ends and self._cost(best) > at_least + 1e-6:
            self._solver.setOptionValue("time_limit", self._solver.getRunTime() + max(0.1, ends - time.thread_time()))
            self._solver.run()
            at_least = max(at_least, self._whole(self._solver.getInfo().mip_dual_bound))
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                break
            hidden = np.array(self._solver.getSolution().col_value) > 0.5
            found = list(self._search.all(hidden.astype(float)))
            if not found:
                best = min(best, hidden, key=self._cost)
                break
            self._add(found)
            best = self._repaired(hidden, best)
        return Chosen(best, self._cost(best), min(at_least, self._cost(best)))

    def _repaired(self, hidden: HiddenColumns, best: HiddenColumns) -> HiddenColumns:
        completed = self._sequential.complete(hidden, self._free)
        if completed is None or self._cost(completed) > 1.3 * self._cost(best):
            return best
        return min(best, self._sequential.open_idle(completed, self._free), key=self._cost)

    def _root(self, ends: float) -> float:
        """Cut the relaxation by what the outsider finds in fractions of a pattern."""
        at_least = 0.0
        for _ in range(_ROOT_ROUNDS):
            self._solver.run()
            if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal or time.thread_time() > ends:
                break
            at_least = max(at_least, self._whole(self._solver.getInfo().objective_function_value))
            found = list(self._search.of_outsider(np.array(self._solver.getSolution().col_value)))
            if not found:
                break
            self._add(found)
        return at_least

    def _add(self, found: list[Shortfall]) -> None:
        for one in found:
            rest = one.need.reach - float(one.weights[self._forced].sum())
            if rest <= 0:
                continue
            weights = np.where(self._free, np.minimum(one.weights, rest) / rest, 0.0)
            columns = np.flatnonzero(weights > 1e-7).astype(np.int32)
            self._solver.addRow(1.0 - 1e-6, highspy.kHighsInf, len(columns), columns, weights[columns])

    def _cost(self, hidden: HiddenColumns) -> float:
        return float(self._weights[hidden & self._free].sum())

    def _whole(self, bound: float) -> float:
        if not math.isfinite(bound):
            return 0.0
        return float(math.ceil(bound - 1e-4)) if (self._weights == self._weights.round()).all() else bound
