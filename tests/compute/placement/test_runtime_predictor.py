"""What is learned of how long jobs run, without a database: kin, the line, and what is made of a thought."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.placement.runtime_predictor import (
    LEAST,
    MARGIN,
    SIZE,
    Past,
    Told,
    features,
    learned,
    length_of,
    over_by_s,
    still_thought_s,
)
from support.past_jobs import lived


def two_users(count: int) -> list[Told]:
    """One whose jobs take seconds, one whose jobs take half a day."""
    return [
        Told("quick" if n % 2 else "slow", 1, at, at, at + (20 if n % 2 else 40_000))
        for n, at in enumerate(range(0, count * 100_000, 100_000))
    ]


def test_a_job_is_expected_to_run_as_its_users_last_jobs_did() -> None:
    at = 300 * 100_000
    history = lived(two_users(300), at)
    quick, slow = (history.expected_s(user, 1, at) for user in ("quick", "slow"))
    assert quick is not None
    assert slow is not None
    assert 10 <= quick <= 60
    assert 15_000 <= slow <= 90_000


def test_nothing_is_expected_before_there_is_enough_to_learn_from() -> None:
    assert learned(two_users(LEAST - 1)) is None
    assert learned([]) is None
    line = learned(two_users(LEAST))
    assert line is not None
    assert (line.jobs, len(line.slopes)) == (LEAST, SIZE)


def test_a_user_who_is_new_is_expected_to_do_as_others_do_with_as_many_cards() -> None:
    gangs = [Told("gang", 64, at, at, at + 90_000) for at in range(10**8, 10**8 + 10**7, 10**6)]
    history = lived([*two_users(300), *gangs], gangs[-1].ended_s)
    new, known = history.expected_s("new", 64, 2 * 10**8), history.expected_s("gang", 64, 2 * 10**8)
    assert new is not None
    assert known is not None
    assert new > 15_000


def test_what_still_runs_tells_by_how_long_it_has_been_running() -> None:
    fresh = features([Past(0)], [], 1, 8.0, 60)
    old = features([Past(0)], [], 1, 8.0, 86_400)
    assert fresh != old
    assert fresh[5:8] == (1.0, length_of(60), 0.0)
    assert features([Past(0, 3.0)], [], 1, 8.0, 60)[5:8] == (0.0, 0.0, 3.0)


@given(st.integers(0, 2**32))
def test_what_is_learned_afterwards_is_what_was_learned_as_it_went_on(seed: int) -> None:
    """The hourly fit over finished jobs and the simulator's running history find the same line."""
    draw = Random(seed)
    jobs = []
    for _ in range(LEAST + 20):
        came_s = draw.randint(0, 20_000)
        began_s = came_s + draw.choice([0, 0, 5, 700])
        jobs.append(
            Told(draw.choice("abc"), draw.choice([1, 8]), came_s, began_s, began_s + draw.choice([1, 9, 5_000]))
        )
    assert lived(jobs, 10**6).line == learned(jobs)


def test_the_line_is_fitted_at_most_every_hour() -> None:
    jobs = two_users(LEAST)
    at = jobs[-1].ended_s
    history = lived(jobs, at)
    before = history.line
    assert before is not None
    history.came("x", "quick", 1, at)
    history.began("x", "quick", 1, at)
    history.ended("x", at + 3_000)
    history.fit(at + 3_599)
    assert history.line is before
    history.fit(at + 3_600)
    assert history.line is not before


@given(st.integers(1, 10**6), st.integers(0, 10**7), st.integers(1, 30 * 86_400))
def test_what_was_thought_too_short_doubles_and_stays_within_the_limit(predicted: int, ran: int, limit: int) -> None:
    thought = still_thought_s(predicted, ran, limit)
    if ran < limit:
        assert ran < thought <= limit
    else:
        assert ran < thought <= 2 * max(ran, predicted)
    if ran < predicted <= limit:
        assert thought == predicted


def test_a_job_is_counted_on_to_be_over_at_its_limit_or_well_past_what_is_thought() -> None:
    assert over_by_s(3600, None) == 3600
    assert over_by_s(3600, 60) == MARGIN * 60
    assert over_by_s(3600, 3000) == 3600
