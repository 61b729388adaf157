"""Jobs with the same needs are evaluated once: which pools could take them, and how good each is (Borg's classes)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from huisuan.compute.placement.filters import filter_pool
from huisuan.compute.placement.pool_state import NO_ROOM, PoolState
from huisuan.compute.placement.scoring import PriceTerms, fragmentation_part, price_part, rest_part
from huisuan.compute.placement.types import Needs, Pool, Rejection, WaitReason
from huisuan.compute.placement.weights import Weights


class Shape:
    """The fragmentation part of each pool's score for jobs of one shape, or NO_ROOM.

    `long`: for jobs that outlast the start of a reservation there; `short`: for the others. Only pools that
    changed since the last refresh are worked out again.
    """

    __slots__ = ("cards", "count", "long", "seen", "short", "weights")

    def __init__(self, cards: int, count: int, pools: int, weights: Weights) -> None:
        self.cards, self.count, self.weights = cards, count, weights
        self.short = [NO_ROOM] * pools
        self.long = [NO_ROOM] * pools
        self.seen = -1

    def refresh(self, states: Sequence[PoolState], changes: Sequence[int]) -> None:
        """Work out again what changed; `changes` lists pools by index, in the order of their changes."""
        if self.seen == len(changes):
            return
        cards, count = self.cards, self.count
        for index in set(changes[self.seen :]) if self.seen >= 0 else range(len(states)):
            state = states[index]
            short, long = state.fragmentation_deltas(cards, count)
            self.short[index] = worth = self._worth(short, state.pool)
            self.long[index] = worth if long == short else self._worth(long, state.pool)
        self.seen = len(changes)

    def _worth(self, delta: int | None, pool: Pool) -> int:
        return NO_ROOM if delta is None else fragmentation_part(delta, pool, self.weights)


class NeedsClass:
    """All jobs with the same needs. `pools`: indices of those that could take them now: connected, open."""

    __slots__ = (
        "could",
        "cycle",
        "dearest",
        "failed_s",
        "gather",
        "needs",
        "nothing_left_cycle",
        "place",
        "pools",
        "rejected",
        "reserved",
        "reserved_known",
        "rest",
        "shape",
        "size",
        "vectors",
        "waiting",
    )  # fmt: skip

    def __init__(self, needs: Needs, states: Sequence[PoolState], shape: Shape) -> None:
        self.needs, self.shape, self.size = needs, shape, (needs.cards, needs.nodes)
        self.rejected: list[tuple[Pool, Rejection]] = []
        self.could: list[Pool] = []  # connected and open, or not
        self.pools: list[int] = []
        for state in states:
            rejection = filter_pool(needs, state.pool)
            if rejection is not None:
                self.rejected.append((state.pool, rejection))
                continue
            self.could.append(state.pool)
            if state.pool.online and state.pool.key not in needs.not_now:
                self.pools.append(state.index)
        self.place = {index: place for place, index in enumerate(self.pools)}
        self.gather = _gather(self.pools, len(states))
        self.dearest = max((states[index].pool.fen_per_card_hour or 0 for index in self.pools), default=0)
        self.rest: list[int] | None = None
        self.vectors: dict[tuple[int, int, frozenset[str], tuple[tuple[str, int], ...]], list[int]] = {}
        self.waiting = 0  # groups of such jobs that are yet to be looked at
        self.cycle = self.nothing_left_cycle = -1
        self.reserved: list[tuple[int, int, int]] = []  # what the scheduler last found: in which cycle, among how many
        self.reserved_known = (-1, 0)
        self.failed_s = NO_ROOM  # in this cycle a job that long found no room

    @property
    def why_no_pool(self) -> WaitReason:
        """Why jobs wait that no pool could take now."""
        if self.could:
            return WaitReason.MAINTENANCE if any(pool.online for pool in self.could) else WaitReason.OFFLINE
        waits_for_budget = any(rejection is Rejection.BUDGET for _, rejection in self.rejected)
        return WaitReason.BUDGET if waits_for_budget else WaitReason.NEVER

    def static(self, states: Sequence[PoolState], terms: PriceTerms, card_seconds: int) -> list[int]:
        """The parts of each pool's score that do not change while jobs are placed, added up."""
        left, per = terms.left, terms.per
        if left is None or terms.most * self.dearest * card_seconds <= left:
            of, of_at = terms.of, terms.of_at  # the cap does not bind: the share is all that matters
        elif left == 0:
            of, per, of_at = 0, 1, ()
        else:
            return [
                rest + price_part(states[index].pool, terms, card_seconds)
                for index, rest in zip(self.pools, self._rest(states, terms.weights), strict=True)
            ]
        key = of, per, terms.no_subsidy_at, of_at
        vector = self.vectors.get(key)
        if vector is None:
            rest = self._rest(states, terms.weights)
            free = PriceTerms(terms.weights, of, per, None, terms.no_subsidy_at, of_at)
            vector = [
                part + price_part(states[index].pool, free, 1) for index, part in zip(self.pools, rest, strict=True)
            ]
            self.vectors[key] = vector
        return vector

    def _rest(self, states: Sequence[PoolState], weights: Weights) -> list[int]:
        if self.rest is None:
            self.rest = [rest_part(self.needs, states[index].pool, weights) for index in self.pools]
        return self.rest


def _gather(pools: Sequence[int], total: int) -> Callable[[list[int]], Sequence[int]]:
    """Takes the values of these pools out of a list of all pools' values."""
    if len(pools) == total:
        return lambda values: values
    if len(pools) == 1:
        only = pools[0]
        return lambda values: (values[only],)
    return itemgetter(*pools) if pools else lambda values: ()


def best(scores: list[int], most: int) -> list[int]:
    """Places of the best scores, best first, at most so many; of equals the first. Uses the list up."""
    places: list[int] = []
    for _ in range(min(most, len(scores))):
        lowest = min(scores)
        if lowest >= NO_ROOM // 2:
            break
        place = scores.index(lowest)
        places.append(place)
        scores[place] = NO_ROOM
    return places
