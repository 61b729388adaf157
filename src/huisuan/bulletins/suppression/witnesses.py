"""Points that show that a need is met: where every cell could stand, for all that the cautious reader knows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from huisuan.bulletins.suppression.solver import Numbers

_STILL = 1e-7
_MOST = 60


class Witnesses:
    """The points of one need. Any mixture of them is a point too, since what a reader knows bounds a convex set."""

    def __init__(self, cells: int) -> None:
        """`cells` is how many can move."""
        self._points: Numbers = np.zeros((0, cells))
        self._valid: Numbers = self._points

    def keep_for(self, hidden: NDArray[np.bool_]) -> None:
        """Look only at those that move no published cell."""
        self._valid = self._points[(np.abs(self._points[:, ~hidden]) <= _STILL).all(axis=1)]

    def __iter__(self) -> Iterator[Numbers]:
        """Those for the pattern looked at, the newest first."""
        return iter(self._valid[::-1])

    @property
    def count(self) -> int:
        """How many there are for the pattern looked at."""
        return len(self._valid)

    def add(self, point: Numbers) -> None:
        """Keep one more; the oldest goes."""
        self._points = np.vstack([self._points, point])[-_MOST:]
        self._valid = np.vstack([self._valid, point])

    def stand_still_at(self, cells: list[int]) -> bool:
        """Whether some point, or a mixture of two, leaves these cells where they are."""
        moves = self._valid[:, cells]
        if (np.abs(moves) <= _STILL).all(axis=1).any():
            return True
        return len(cells) == 1 and bool((moves > 0).any() and (moves < 0).any())
