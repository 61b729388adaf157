"""Whether this machine's clock can be believed: as the platform's said at an exchange, carried on by a steady clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class BelievedClock:
    """The centre's clock, and what is known of it. Nothing is known before the platform has answered once.

    `now` is the wall clock, in seconds since 1970; `steady` counts seconds and is never set: so a wall clock that is
    set between two exchanges is noticed before anything is metered by it.
    """

    def __init__(self, now: Callable[[], float], steady: Callable[[], float]) -> None:
        self.now, self.steady = now, steady
        self._asked: tuple[float, float] = (0.0, 0.0)
        self._heard: tuple[float, float, float] | None = None  # by both clocks, and how far the wall clock is ahead
        self._limit = 0

    def asks(self) -> None:
        """The platform is being asked: its answer is about this moment."""
        self._asked = self.now(), self.steady()

    def hears(self, theirs: datetime, limit: int) -> None:
        """The platform answered with its time, and by how many seconds this clock may differ."""
        wall, steady = self._asked
        self._heard, self._limit = (wall, steady, wall - theirs.timestamp()), limit

    @property
    def is_right(self) -> bool:
        """Whether it is known to differ by no more than the limit."""
        if self._heard is None:
            return False
        wall, steady, ahead = self._heard
        return abs(ahead + (self.now() - wall) - (self.steady() - steady)) <= self._limit
