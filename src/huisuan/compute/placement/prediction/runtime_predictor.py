"""Predicted runtimes, learned from completed jobs.

People come back with the same work: how long the last of a job's peers ran, and how long those that run have been
running, says most. A linear model of these is fitted every hour (after the predictor of Helios' QSSF, SC 2021, with
regression in place of boosted trees).

The simulator keeps a `RuntimePredictor` as its clock goes on; the platform reads the peers and the last fitted model
from its database (`compute/dispatch/runtime_estimates.py`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from huisuan.compute.placement.prediction.features import (
    PEERS_KEPT,
    Features,
    RuntimeSample,
    features,
    log2_seconds,
)
from huisuan.compute.placement.prediction.ridge_model import RidgeAccumulator, RidgeModel

MIN_SAMPLES = 100  # jobs that must have finished before anything is predicted
FIT_EVERY_S = 3_600
_USUAL = 8.0  # log2-seconds: four minutes, until the first fit
MARGIN = 4  # a job is expected to end within so many times its predicted runtime


class RuntimePredictor:
    """A model that is fitted as jobs are submitted, start and finish; these calls come in the order of time."""

    def __init__(self) -> None:
        self.peers: dict[tuple[str | None, int], deque[RuntimeSample]] = defaultdict(partial(deque, maxlen=PEERS_KEPT))
        self.accumulator = RidgeAccumulator()
        self.model: RidgeModel | None = None
        self.fitted_s: int | None = None
        self.unfinished: dict[str, tuple[Features, RuntimeSample]] = {}

    def submitted(self, uid: str, user: str, cards: int, now_s: int) -> int | None:
        """A job was submitted: the model will learn from its features of now. Its predicted runtime, if any."""
        usual = self.model.usual if self.model else _USUAL
        values = features(*self._peers_of(user, cards), cards, usual, now_s)
        self.unfinished[uid] = values, RuntimeSample(now_s)
        return self.model.predict_from(values) if self.model else None

    def started(self, uid: str, user: str, cards: int, now_s: int) -> None:
        """A job has started."""
        sample = self.unfinished[uid][1]
        sample.began_s = now_s
        for peers in self._peers_of(user, cards):
            peers.append(sample)

    def finished(self, uid: str, now_s: int) -> None:
        """A job has finished: the model will learn from it."""
        values, sample = self.unfinished.pop(uid)
        sample.length = log2_seconds(now_s - sample.began_s)
        self.accumulator.add(values, sample.length)

    def fit(self, now_s: int) -> None:
        """Fit the model again if it is time, and enough jobs have finished."""
        due = self.fitted_s is None or now_s - self.fitted_s >= FIT_EVERY_S
        if due and self.accumulator.count >= MIN_SAMPLES:
            self.model, self.fitted_s = self.accumulator.fit(), now_s

    def predict_s(self, user: str, cards: int, now_s: int) -> int | None:
        """The predicted runtime of a waiting job, in seconds; None before the first fit."""
        return self.model.predict_s(*self._peers_of(user, cards), cards, now_s) if self.model else None

    def _peers_of(self, user: str, cards: int) -> tuple[deque[RuntimeSample], deque[RuntimeSample]]:
        """The user's own peers, and those of all users."""
        return self.peers[user, cards], self.peers[None, cards]


class CompletedJob(NamedTuple):
    """A finished job to learn from; times in seconds since 1970."""

    user: str
    cards: int
    submitted_s: int
    began_s: int
    ended_s: int


def fit_completed(jobs: Iterable[CompletedJob]) -> RidgeModel | None:
    """The model of these jobs, each with its features when it was submitted; None: there are too few."""
    steps: list[tuple[int, int, int, CompletedJob]] = []
    for number, job in enumerate(jobs):
        began_s = max(job.began_s, job.submitted_s)
        # of the steps of one second the ends come first: a job's own end is later than its start
        ended_s = max(job.ended_s, began_s + 1)
        steps += ((job.submitted_s, 1, number, job), (began_s, 2, number, job), (ended_s, 0, number, job))
    predictor, at_s = RuntimePredictor(), 0
    for at_s, step, number, job in sorted(steps):
        if step == 0:
            predictor.finished(str(number), at_s)
        elif step == 1:
            predictor.submitted(str(number), job.user, job.cards, at_s)
        else:
            predictor.started(str(number), job.user, job.cards, at_s)
    predictor.fit(at_s)
    return predictor.model


def upper_bound_s(limit_s: int, predicted_s: int | None) -> int:
    """An upper bound of a job's runtime in seconds: its limit, or a multiple of its prediction where that is less."""
    return limit_s if predicted_s is None else min(limit_s, MARGIN * predicted_s)


def revised_estimate_s(predicted_s: int, ran_s: int, limit_s: int) -> int:
    """The estimate of a running job's whole runtime: a prediction that was too short is doubled until it is longer."""
    estimate_s = max(predicted_s, 1)
    while estimate_s <= ran_s:
        estimate_s *= 2
    return estimate_s if limit_s <= ran_s else min(estimate_s, limit_s)
