"""What became of each waiting job. Words and figures are worked out when somebody reads them.

A pass over 100,000 jobs decides on all of them, but only those that are placed, and those whose reason changed, are
looked at: sentences for the rest would cost more than the decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from huisuan.compute.placement import messages as texts
from huisuan.compute.placement.filters import Barred
from huisuan.compute.placement.scoring import Terms, scored
from huisuan.compute.placement.types import Ask, Hold, Pool, Reason, Reservation, Scored

#: pools that come next, told with a decision
RUNNERS_UP = 3


class Ranked(NamedTuple):
    """A pool with room, and the part of its score that changes with every placement."""

    pool: Pool
    fragmentation: int


class Placed(NamedTuple):
    """A job that goes to a pool now. `ranked`: that pool, then those that came next. `on`: numbers of its nodes.

    `backfilled`: it goes past work that cards are kept for at that pool, and does not delay it.
    """

    ask: Ask
    terms: Terms
    now_s: int
    ranked: tuple[Ranked, ...]
    backfilled: bool
    on: tuple[int, ...]

    @property
    def pool(self) -> Pool:
        """Where it goes."""
        return self.ranked[0].pool

    @property
    def chosen(self) -> Scored:
        """Where it goes, with the parts of the score."""
        return self._scored(self.ranked[0])

    @property
    def runners_up(self) -> tuple[Scored, ...]:
        """The pools that had room, too, best first."""
        return tuple(map(self._scored, self.ranked[1:]))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why there, for the job's page."""
        return texts.why_there(self.chosen, self.runners_up, self.backfilled, self.now_s, self.ask.predicted_s)

    def _scored(self, one: Ranked) -> Scored:
        ask, terms = self.ask, self.terms
        seconds = ask.needs.cards * expected_s(ask)
        return scored(ask.needs, one.pool, terms, seconds, self.now_s, one.pool.wait_s, one.fragmentation)


def expected_s(ask: Ask) -> int:
    """How long a job is thought to run: as predicted, at most its limit."""
    return ask.limit_s if ask.predicted_s is None else min(ask.predicted_s, ask.limit_s)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What holds for all jobs with the same needs: the pools that could take them, and why the others cannot."""

    could: Sequence[Pool]
    barred: Sequence[tuple[Pool, Barred]]
    free: Mapping[tuple[str, str], Sequence[int]]  # pool -> bins when the pass was over


class Waits(NamedTuple):
    """A job that stays, why, and how many that wait go before it. `limit`: what its tenant or city may hold, held."""

    ask: Ask
    hold: Hold
    ahead: int
    outlook: Outlook
    reservation: Reservation | None = None
    quota: tuple[int, int] | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why not yet, for the job's page."""
        return texts.why_not_yet(self)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the waiting work now: every job is in one of the two, in the order of work."""

    placed: tuple[Placed, ...]
    waits: tuple[Waits, ...]
    weights: str
