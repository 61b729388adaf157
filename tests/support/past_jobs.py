"""Completed jobs replayed into a `RuntimePredictor`, as the simulator does."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.prediction import CompletedJob, RuntimePredictor


def replay_completed_jobs(jobs: Sequence[CompletedJob], fitted_s: int) -> RuntimePredictor:
    """A predictor that saw these jobs submitted, started and finished, fitted at the end; each ran a second or more."""
    steps = [
        step
        for number, job in enumerate(jobs)
        for step in ((job.submitted_s, 1, number), (job.began_s, 2, number), (job.ended_s, 0, number))
    ]
    predictor = RuntimePredictor()
    for at_s, order, number in sorted(steps):
        job = jobs[number]
        if order == 0:
            predictor.finished(str(number), at_s)
        elif order == 1:
            predictor.submitted(str(number), job.user, job.cards, at_s)
        else:
            predictor.started(str(number), job.user, job.cards, at_s)
    predictor.fit(fitted_s)
    return predictor
