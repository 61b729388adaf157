"""Jobs with the same needs are judged once: which pools could take them, and how good each is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from huisuan.compute.placement.filters import Barred, barred
from huisuan.compute.placement.pool_state import NOWHERE, PoolState
from huisuan.compute.placement.scoring import Terms, fragmentation_part, price_part, rest_part
from huisuan.compute.placement.types import Needs, Pool
from huisuan.compute.placement.weights import Weights


class Shape:
    """What each pool's room for jobs of one shape is worth now: the fragmentation part, or NOWHERE.

    `long`: for jobs that stay beyond the moment from which cards are kept there for another; `short`: for the others.
    Pools that changed since the last look are looked at again, no others.
    """

    __slots__ = ("cards", "count", "long", "seen", "short", "weights")

    def __init__(self, cards: int, count: int, pools: int, weights: Weights) -> None:
        self.cards, self.count, self.weights = cards, count, weights
        self.short = [NOWHERE] * pools
        self.long = [NOWHERE] * pools
        self.seen = -1

    def refresh(self, states: Sequence[PoolState], changes: Sequence[int]) -> None:
        """Look again at what changed; `changes` lists the pools in the order in which they did."""
        if self.seen == len(changes):
            return
        cards, count = self.cards, self.count
        for index in set(changes[self.seen :]) if self.seen >= 0 else range(len(states)):
            state = states[index]
            short, long = state.spoilt(cards, count)
            self.short[index] = worth = self._worth(short, state.pool)
            self.long[index] = worth if long == short else self._worth(long, state.pool)
        self.seen = len(changes)

    def _worth(self, spoilt: int | None, pool: Pool) -> int:
        return NOWHERE if spoilt is None else fragmentation_part(spoilt, pool, self.weights)


class NeedsClass:
    """All jobs with the same needs. `pools`: indices of those that are connected and could take them."""

    __slots__ = (
        "barred", "could", "dearest", "failed_s", "gather", "kept", "kept_known", "kept_pass", "needs", "pass_no",
        "place", "pools", "rest", "shape", "size", "vectors", "waiting",
    )  # fmt: skip

    def __init__(self, needs: Needs, states: Sequence[PoolState], shape: Shape) -> None:
        self.needs, self.shape, self.size = needs, shape, (needs.cards, needs.nodes)
        self.barred: list[tuple[Pool, Barred]] = []
        self.could: list[Pool] = []  # connected or not
        self.pools: list[int] = []
        for state in states:
            bar = barred(needs, state.pool)
            if bar is not None:
                self.barred.append((state.pool, bar))
                continue
            self.could.append(state.pool)
            if state.pool.online:
                self.pools.append(state.index)
        self.place = {index: place for place, index in enumerate(self.pools)}
        self.gather = _gather(self.pools, len(states))
        self.dearest = max((states[index].pool.fen_per_card_hour or 0 for index in self.pools), default=0)
        self.rest: list[int] | None = None
        self.vectors: dict[tuple[int, int, frozenset[str]], list[int]] = {}
        self.waiting = 0  # groups of such jobs that are to be looked at
        self.pass_no = self.kept_pass = -1
        self.kept: list[tuple[int, int, int]] = []  # as the planner last found it, in which pass, among how many
        self.kept_known = (-1, 0)
        self.failed_s = NOWHERE  # in this pass, a job that lasts so long found no room

    def static(self, states: Sequence[PoolState], terms: Terms, card_seconds: int) -> list[int]:
        """The parts of each pool's score that do not change while jobs are placed, added up."""
        left, per = terms.left, terms.per
        if left is None or terms.of * self.dearest * card_seconds <= left:
            of = terms.of  # the cap does not bind: the share is all that matters
        elif left == 0:
            of, per = 0, 1
        else:
            return [
                rest + price_part(states[index].pool, terms, card_seconds)
                for index, rest in zip(self.pools, self._rest(states, terms.weights), strict=True)
            ]
        key = of, per, terms.no_subsidy_at
        vector = self.vectors.get(key)
        if vector is None:
            rest = self._rest(states, terms.weights)
            free = Terms(terms.weights, of, per, None, terms.no_subsidy_at)
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
        if lowest >= NOWHERE // 2:
            break
        place = scores.index(lowest)
        places.append(place)
        scores[place] = NOWHERE
    return places
