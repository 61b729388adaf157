"""A pattern for tables of any size: one need after the other, each met at the least new cost, then what is idle opened.

A linear program per need, costs on how far cells move (Kelly, Golden and Assad, Networks 22, 1992). Every pattern that
it returns meets every need; it is not always the smallest.
"""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from huisuan.bulletins.suppression.deviations import Deviations, Need, both_ways
from huisuan.bulletins.suppression.shortfalls import ShortfallSearch
from huisuan.bulletins.suppression.solver import Numbers, load_program

_MOVED = 1e-6


class SequentialChoice:
    """Adds cells to a pattern until nothing is lacking; None where even all of them do not do."""

    def __init__(self, deviations: Deviations, search: ShortfallSearch, weights: Numbers) -> None:
        """`weights` are costs by column."""
        self._search, self._weights, self._count = search, weights, len(weights)
        both = both_ways(deviations.rows, self._count)
        nought = np.zeros(2 * self._count)
        self._solver = load_program(nought, nought, nought, both)
        self._indices = np.arange(2 * self._count, dtype=np.int32)

    def complete(self, hidden: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """The pattern with more of the `free` cells hidden, so that every need is met."""
        hidden, cautious = hidden.copy(), True
        while (found := self._search.first(hidden.astype(float), cautious)) is not None:
            moved = self._cheapest(found.need, hidden, free)
            if moved is not None and (moved & ~hidden).any():
                hidden |= moved
            elif cautious:
                cautious = False  # not before all at once; perhaps before each of them
            else:
                return None
        return hidden

    def _cheapest(self, need: Need, hidden: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        low, high = self._search.bounds(need)
        may = hidden | free
        up, down = np.where(may, high, 0.0), np.where(may, -low, 0.0)
        least = np.zeros(2 * self._count)
        upper = np.concatenate([up, down])
        this, that = (need.column, need.column + self._count)[:: need.sign]
        if upper[this] < need.reach:
            return None
        least[this], upper[this], upper[that] = need.reach, max(need.reach, upper[this]), 0.0
        # a cell that can hardly move costs more by the unit: it would be hidden for little
        scale = np.minimum(need.reach, np.maximum(np.concatenate([up, down]), _MOVED))
        cost = np.tile(np.where(hidden, 0.0, self._weights), 2) / scale * need.reach
        self._solver.changeColsCost(2 * self._count, self._indices, cost)
        self._solver.changeColsBounds(2 * self._count, self._indices, least, upper)
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        moved = np.array(self._solver.getSolution().col_value) > _MOVED
        return moved[: self._count] | moved[self._count :]

    def open_idle(self, hidden: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The pattern without the free cells that nothing needs, the costliest tried first."""
        hidden = hidden.copy()
        cautious = self._search.first(hidden.astype(float), cautious=True) is None
        for column in sorted(np.flatnonzero(hidden & free), key=lambda one: (-self._weights[one], one)):
            hidden[column] = False
            if self._search.first(hidden.astype(float), cautious) is not None:
                hidden[column] = True
        return hidden
