"""The results of a scheduling cycle: codes and figures. `messages` renders them for people, where they are read.

A cycle over 100,000 jobs decides on all of them, but only those that are placed, and those whose reason changed, are
looked at: sentences for the rest would cost more than the decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from huisuan.compute.placement.scoring import PriceTerms, score_pool
from huisuan.compute.placement.types import (
    PlacementRequest,
    Pool,
    Rejection,
    Reservation,
    ScoredPool,
    WaitReason,
    expected_s,
)

RUNNERS_UP = 3  # next best pools that are kept with a decision


class Ranked(NamedTuple):
    """A pool with room, and the part of its score that changes with every placement."""

    pool: Pool
    fragmentation: int


class PlacedJob(NamedTuple):
    """A job that goes to a pool now. `ranked`: that pool, then the next best. `on`: numbers of its nodes.

    `backfilled`: it runs ahead of a job that cards are reserved for at that pool, and does not delay it.
    """

    request: PlacementRequest
    terms: PriceTerms
    now_s: int
    ranked: tuple[Ranked, ...]
    backfilled: bool
    on: tuple[int, ...]

    @property
    def pool(self) -> Pool:
        """The pool that was chosen."""
        return self.ranked[0].pool

    @property
    def chosen(self) -> ScoredPool:
        """The pool that was chosen, with the parts of its score."""
        return self._scored(self.ranked[0])

    @property
    def runners_up(self) -> tuple[ScoredPool, ...]:
        """The other pools that had room, best first."""
        return tuple(map(self._scored, self.ranked[1:]))

    def _scored(self, ranked: Ranked) -> ScoredPool:
        request, pool = self.request, ranked.pool
        seconds = request.needs.cards * expected_s(request)
        return score_pool(request.needs, pool, self.terms, seconds, self.now_s, pool.wait_s, ranked.fragmentation)


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What all jobs with the same needs share: the pools that could take them, and why the others cannot."""

    could: Sequence[Pool]
    rejected: Sequence[tuple[Pool, Rejection]]
    free: Mapping[tuple[str, str], Sequence[int]]  # pool -> bins when the cycle was over


class WaitingJob(NamedTuple):
    """A job that stays, why, and how many waiting jobs come before it. `quota`: cards allowed and held."""

    request: PlacementRequest
    wait_reason: WaitReason
    ahead: int
    feasibility: Feasibility
    reservation: Reservation | None = None
    quota: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The result of one cycle: every job is in one of the two, in the order of work. `weights`: the set's name."""

    placed: tuple[PlacedJob, ...]
    waits: tuple[WaitingJob, ...]
    weights: str
