"""What is fit_completed of how long jobs run, without a database: kin, the model, and what is made of a thought."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.placement.prediction import (
    CompletedJob,
    RuntimeSample,
    fit_completed,
    log2_seconds,
    revised_estimate_s,
    upper_bound_s,
)
from huisuan.compute.placement.prediction.features import SIZE, features
from huisuan.compute.placement.prediction.runtime_predictor import MARGIN, MIN_SAMPLES
from support.past_jobs import replay_completed_jobs


def two_users(count: int) -> list[CompletedJob]:
    """One whose jobs take seconds, one whose jobs take half a day."""
    return [
        CompletedJob("quick" if n % 2 else "slow", 1, at, at, at + (20 if n % 2 else 40_000))
        for n, at in enumerate(range(0, count * 100_000, 100_000))
    ]


def test_a_job_is_expected_to_run_as_its_users_last_jobs_did() -> None:
    at = 300 * 100_000
    predictor = replay_completed_jobs(two_users(300), at)
    quick, slow = (predictor.predict_s(user, 1, at) for user in ("quick", "slow"))
    assert quick is not None
    assert slow is not None
    assert 10 <= quick <= 60
    assert 15_000 <= slow <= 90_000


def test_nothing_is_expected_before_there_is_enough_to_learn_from() -> None:
    assert fit_completed(two_users(MIN_SAMPLES - 1)) is None
    assert fit_completed([]) is None
    model = fit_completed(two_users(MIN_SAMPLES))
    assert model is not None
    assert (model.jobs, len(model.slopes)) == (MIN_SAMPLES, SIZE)


def test_a_user_who_is_new_is_expected_to_do_as_others_do_with_as_many_cards() -> None:
    gangs = [CompletedJob("gang", 64, at, at, at + 90_000) for at in range(10**8, 10**8 + 10**7, 10**6)]
    predictor = replay_completed_jobs([*two_users(300), *gangs], gangs[-1].ended_s)
    new, known = predictor.predict_s("new", 64, 2 * 10**8), predictor.predict_s("gang", 64, 2 * 10**8)
    assert new is not None
    assert known is not None
    assert new > 15_000


def test_what_still_runs_tells_by_how_long_it_has_been_running() -> None:
    fresh = features([RuntimeSample(0)], [], 1, 8.0, 60)
    old = features([RuntimeSample(0)], [], 1, 8.0, 86_400)
    assert fresh != old
    assert fresh[5:8] == (1.0, log2_seconds(60), 0.0)
    assert features([RuntimeSample(0, 3.0)], [], 1, 8.0, 60)[5:8] == (0.0, 0.0, 3.0)


@given(st.integers(0, 2**32))
def test_what_is_learned_afterwards_is_what_was_learned_as_it_went_on(seed: int) -> None:
    """The hourly fit over finished jobs and the simulator's running predictor find the same model."""
    draw = Random(seed)
    jobs = []
    for _ in range(MIN_SAMPLES + 20):
        submitted_s = draw.randint(0, 20_000)
        began_s = submitted_s + draw.choice([0, 0, 5, 700])
        jobs.append(
            CompletedJob(
                draw.choice("abc"), draw.choice([1, 8]), submitted_s, began_s, began_s + draw.choice([1, 9, 5_000])
            )
        )
    assert replay_completed_jobs(jobs, 10**6).model == fit_completed(jobs)


def test_the_line_is_fitted_at_most_every_hour() -> None:
    jobs = two_users(MIN_SAMPLES)
    at = jobs[-1].ended_s
    predictor = replay_completed_jobs(jobs, at)
    before = predictor.model
    assert before is not None
    predictor.submitted("x", "quick", 1, at)
    predictor.started("x", "quick", 1, at)
    predictor.finished("x", at + 3_000)
    predictor.fit(at + 3_599)
    assert predictor.model is before
    predictor.fit(at + 3_600)
    assert predictor.model is not before


@given(st.integers(1, 10**6), st.integers(0, 10**7), st.integers(1, 30 * 86_400))
def test_a_prediction_that_was_too_short_doubles_and_stays_within_the_limit(
    predicted: int, ran: int, limit: int
) -> None:
    estimate = revised_estimate_s(predicted, ran, limit)
    if ran < limit:
        assert ran < estimate <= limit
    else:
        assert ran < estimate <= 2 * max(ran, predicted)
    if ran < predicted <= limit:
        assert estimate == predicted


def test_a_job_is_expected_to_end_at_its_limit_or_within_a_multiple_of_its_prediction() -> None:
    assert upper_bound_s(3600, None) == 3600
    assert upper_bound_s(3600, 60) == MARGIN * 60
    assert upper_bound_s(3600, 3000) == 3600
