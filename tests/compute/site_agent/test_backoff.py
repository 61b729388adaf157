"""How soon an agent calls again."""

from __future__ import annotations

import random

from huisuan.compute.site_agent.backoff import BUSY_SECONDS, IDLE_SECONDS, REFUSED_SECONDS, UNANSWERED_SECONDS, Pace


def test_it_calls_at_once_while_something_happens_and_ever_later_while_nothing_does() -> None:
    pace = Pace(lambda: 1.0)
    assert pace.after_activity() == BUSY_SECONDS
    pauses = [pace.after_idle() for _ in range(6)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == IDLE_SECONDS
    assert pace.after_activity() == BUSY_SECONDS


def test_unanswered_it_calls_twice_as_late_each_time_up_to_a_bound_that_is_higher_where_a_person_has_to_mend_it() -> (
    None
):
    pace = Pace(lambda: 1.0)
    pauses = [pace.after_failure() for _ in range(12)]
    assert pauses[:3] == [0.6, 1.2, 2.4]
    assert pauses[-1] == UNANSWERED_SECONDS
    assert [pace.after_failure(refused=True) for _ in range(3)][-1] == REFUSED_SECONDS


def test_a_thousand_agents_that_lost_the_platform_at_once_do_not_come_back_at_once() -> None:
    chance = random.Random(7)
    agents = [Pace(chance.random) for _ in range(1000)]
    for _ in range(10):
        pauses = [pace.after_failure() for pace in agents]
    assert min(pauses) >= UNANSWERED_SECONDS * 2 / 3
    assert max(pauses) <= UNANSWERED_SECONDS
    per_second = [sum(second <= pause < second + 1 for pause in pauses) for second in range(20, 30)]
    assert max(per_second) < 150
