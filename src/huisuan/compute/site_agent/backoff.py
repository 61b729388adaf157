"""When the agent calls again: at once while something happens, seldom while nothing does, backing off on failure.

Pure: what is random is passed in. A thousand agents whose platform comes back must not all call in the same second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BUSY_SECONDS = 0.3
IDLE_SECONDS = 1.0
FILES_SECONDS = 0.05
UNANSWERED_SECONDS = 30.0
REFUSED_SECONDS = 60.0  # revoked, or unknown: only a person can fix it
SLOWER, DOUBLE = 1.5, 2.0


@dataclass
class Pace:
    """Seconds until the next exchange; `jitter` gives a number from 0 until 1 each time."""

    jitter: Callable[[], float]
    busy: float = BUSY_SECONDS
    idle: float = IDLE_SECONDS
    _pause: float = 0.0

    def after_activity(self) -> float:
        """Something happened, or is about to: the shortest pause."""
        self._pause = self.busy
        return self.busy

    def after_files(self) -> float:
        """Somebody waits for the next piece of a file."""
        self._pause = self.busy
        return min(self.busy, FILES_SECONDS)

    def after_idle(self) -> float:
        """Nothing happened: a little later each time."""
        self._pause = min(max(self._pause * SLOWER, self.busy), self.idle)
        return self._spread()

    def after_failure(self, refused: bool = False) -> float:
        """No answer came, or the platform refused this agent: twice as late each time."""
        most = REFUSED_SECONDS if refused else UNANSWERED_SECONDS
        self._pause = min(max(self._pause, self.busy) * DOUBLE, most)
        return self._spread()

    def _spread(self) -> float:
        """Between two thirds of the pause and the whole of it."""
        return self._pause * (2 + self.jitter()) / 3
