"""Whether this machine's clock is right: compared with the platform's at an exchange, extended by a steady clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime


class VerifiedClock:
    """The centre's clock and its offset. Nothing is known before the platform has answered once.

    `now` is the wall clock, in seconds since 1970; `steady` counts seconds and is never set: so a wall clock that is
    set between two exchanges is noticed before anything is metered by it.
    """

    def __init__(self, now: Callable[[], float], steady: Callable[[], float]) -> None:
        self.now, self.steady = now, steady
        self._asked: tuple[float, float] = (0.0, 0.0)
        self._measured: tuple[float, float, float] | None = None  # both clocks, and how far the wall clock is ahead
        self._limit = 0

    def record_request(self) -> None:
        """A request goes out: the time in its reply is compared with this moment."""
        self._asked = self.now(), self.steady()

    def record_reply(self, theirs: datetime, limit: int) -> None:
        """The platform replied with its time, and by how many seconds this clock may differ."""
        wall, steady = self._asked
        self._measured, self._limit = (wall, steady, wall - theirs.timestamp()), limit

    @property
    def is_right(self) -> bool:
        """Whether the clock is known to differ by no more than the limit."""
        if self._measured is None:
            return False
        wall, steady, ahead = self._measured
        return abs(ahead + (self.now() - wall) - (self.steady() - steady)) <= self._limit
