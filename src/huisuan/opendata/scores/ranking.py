"""Scores, ranks with ties (1, 2, 2, 4), and how far a rank hangs on the weights. Pure, in whole numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from huisuan.opendata.scores.criteria import CRITERIA
from huisuan.opendata.scores.formula import OpennessFormula
from huisuan.opendata.scores.office_facts import OfficeFacts

WEIGHTINGS, WITHIN_PERCENT, SEED = 1_000, 20, 20231020


@dataclass(frozen=True)
class OpennessScore:
    """An office's score; `failing` holds the criteria that are no with what they fail by; ranks count from 1.

    `best_rank` and `worst_rank`: without any one criterion, and by 1,000 weightings within 20% of the points.
    """

    region: str
    department: str
    score: int
    rank: int
    best_rank: int
    worst_rank: int
    entries: int
    failing: dict[str, list[str]]

    def to_dict(self) -> dict[str, object]:
        """As JSON carries it."""
        return {
            "region": self.region, "department": self.department, "score": self.score, "rank": self.rank,
            "best_rank": self.best_rank, "worst_rank": self.worst_rank, "entries": self.entries,
            "failing": self.failing,
        }  # fmt: skip


def rank_offices(offices: Sequence[OfficeFacts], formula: OpennessFormula, day: date) -> list[OpennessScore]:
    """Every office with its score, the best first, of equal ones by region and department."""
    if not offices:
        return []
    failing = [_failing(office, day) for office in offices]
    met = np.array([[one.code not in lost for one in CRITERIA] for lost in failing], dtype=np.int64)
    points = np.array([formula.points[one.code] for one in CRITERIA], dtype=np.int64)
    scores, ranks, best, worst = rank_by_points(met, points)
    found = [
        OpennessScore(
            office.region, office.department, int(scores[at]), int(ranks[at]), int(best[at]), int(worst[at]),
            len(office.entries), failing[at],
        )
        for at, office in enumerate(offices)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.rank, one.region, one.department))


def rank_by_points(
    amounts: NDArray[np.int64], points: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of each row of amounts its score, its rank (from 1), and the best and worst that it has by other weights."""
    scores = amounts @ points
    ranks, others = _ranks(scores[None, :])[0], _ranks(_weightings(points) @ amounts.T)
    return scores, ranks, np.minimum(ranks, others.min(axis=0)), np.maximum(ranks, others.max(axis=0))


def _failing(office: OfficeFacts, day: date) -> dict[str, list[str]]:
    asked = ((one.code, one.fails_by(office, day)) for one in CRITERIA)
    return {code: sorted(by) for code, by in asked if by is not None}


def _weightings(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each criterion left out once, then the seeded weightings, in hundredths of points."""
    draw = random.Random(SEED)  # noqa: S311  (drawn again by anybody, not secret)
    left_out = (1 - np.eye(len(points), dtype=np.int64)) * points * 100
    span = 2 * WITHIN_PERCENT + 1
    drawn = [[100 - WITHIN_PERCENT + int(draw.random() * span) for _ in points] for _ in range(WEIGHTINGS)]
    return np.concatenate([left_out, np.array(drawn, dtype=np.int64) * points])


def _ranks(scores: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row: one more than how many are above."""
    return 1 + np.array([np.searchsorted(np.sort(-row), -row) for row in scores], dtype=np.int64)
