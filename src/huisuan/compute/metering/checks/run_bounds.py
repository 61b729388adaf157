"""Between which moments a run can have held its cards, and how long at most. Pure; UTC seconds by the platform's clock.

The same bounds hold for who meters a line and for who checks it years later (decision 019).
"""

from __future__ import annotations

CLOCK_SECONDS = 300  # by which a centre's clock may differ, where nobody set it otherwise
ROUNDING = 2  # seconds: a begin is rounded down and an end up to the second
DRIFT = 10_000  # a clock that nobody corrects gains less than a second in so many: 100 parts in a million


def most_seconds(placed: int, over: int) -> int:
    """How long a run can have lasted that was placed then and was over, or metered, then."""
    passed = max(over - placed, 0)
    return passed + ROUNDING + passed // DRIFT
