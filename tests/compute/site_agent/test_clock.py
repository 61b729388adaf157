"""Whether an agent may believe its own clock: as the platform's said, carried on by one that is never set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huisuan.compute.site_agent.clock import VerifiedClock

T = 1_700_000_000.0


class Clocks:
    """A wall clock that is set now and then, and the time that really passes."""

    def __init__(self) -> None:
        self.passed, self.off = 0.0, 0.0
        self.clock = VerifiedClock(lambda: T + self.passed + self.off, lambda: 77 + self.passed)

    def asks(self, limit: int = 300) -> bool:
        """One exchange with the platform, which takes a second; whether the clock is believed then."""
        self.clock.record_request()
        theirs = datetime.fromtimestamp(T + self.passed, UTC)
        self.passed += 1
        self.clock.record_reply(theirs, limit)
        return self.clock.is_right


def test_nothing_is_known_before_the_platform_answered() -> None:
    clocks = Clocks()
    assert not clocks.clock.is_right
    clocks.clock.record_request()
    assert not clocks.clock.is_right
    assert clocks.asks()


@pytest.mark.parametrize(("off", "right"), [(-301, False), (-299, True), (299, True), (301, False)])
def test_a_clock_may_differ_by_the_limit_that_the_platform_says(off: float, right: bool) -> None:
    clocks = Clocks()
    clocks.off = off
    assert clocks.asks() is right
    assert clocks.asks(limit=1000)


@pytest.mark.parametrize("off", [-86_400, -400, 400, 86_400])
def test_a_clock_that_is_set_between_two_exchanges_is_not_believed_and_is_again_when_it_is_set_right(
    off: float,
) -> None:
    clocks = Clocks()
    assert clocks.asks()
    clocks.passed += 90_000  # a day without the platform
    assert clocks.clock.is_right
    clocks.off = off
    assert not clocks.clock.is_right
    clocks.off = 0
    assert clocks.clock.is_right
