"""One job against all pools: where it could run now, where later, where never."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from huisuan.compute.placement.filters import filter_pool
from huisuan.compute.placement.nodes import packing
from huisuan.compute.placement.pool_state import PoolState
from huisuan.compute.placement.scoring import PriceTerms, fragmentation_part, score_pool
from huisuan.compute.placement.types import (
    Needs,
    PlacementRequest,
    PlacementTenant,
    Pool,
    Rejection,
    Running,
    ScoredPool,
    expected_s,
)
from huisuan.compute.placement.weights import Weights
from huisuan.compute.placement.windows import is_open_now


@dataclass(frozen=True)
class PoolEvaluation:
    """All pools for one job: those with room `now` and those that have it `later`, best first; the rest `rejected`."""

    needs: Needs
    now: tuple[ScoredPool, ...]
    later: tuple[ScoredPool, ...]
    rejected: tuple[tuple[Pool, Rejection], ...]

    @property
    def possible(self) -> bool:
        """Whether some pool, empty, could hold the job: waiting may help."""
        return bool(self.possible_pools)

    @property
    def possible_pools(self) -> list[tuple[str, str]]:
        """The keys of the pools that could hold the job sooner or later."""
        open_to_it = [scored_pool.pool.key for scored_pool in (*self.now, *self.later)]
        return open_to_it + [pool.key for pool, rejection in self.rejected if not rejection.is_permanent]


def evaluate_pools(
    request: PlacementRequest,
    pools: Iterable[Pool],
    now_s: int,
    weights: Weights,
    *,
    tenant: PlacementTenant | None = None,
    running: Iterable[Running] = (),
) -> PoolEvaluation:
    """Evaluate every pool for one job as if nothing else waited: for a preview, or to explain why it waits."""
    terms = PriceTerms.before(tenant or PlacementTenant(request.tenant), weights)
    demand = tuple(sorted(weights.demand.items()))
    by_pool: dict[tuple[str, str], list[Running]] = {}
    for job in sorted(running, key=lambda job: job.uid):
        by_pool.setdefault((job.centre, job.model), []).append(job)
    now: list[ScoredPool] = []
    later: list[ScoredPool] = []
    rejected: list[tuple[Pool, Rejection]] = []
    for index, pool in enumerate(sorted(pools, key=lambda pool: pool.key)):
        rejection = filter_pool(request.needs, pool) or (None if pool.online else Rejection.OFFLINE)
        if rejection is None and not is_open_now(request, pool, now_s):
            rejection = Rejection.MAINTENANCE
        if rejection is None:
            state = PoolState(index, pool, packing(pool.cards_per_node, demand))
            state.unassigned = by_pool.get(pool.key, [])
            rejection = _evaluate(request, state, now_s, terms, now, later)
        if rejection is not None:
            rejected.append((pool, rejection))
    return PoolEvaluation(request.needs, _best_first(now), _best_first(later), tuple(rejected))


def _evaluate(
    request: PlacementRequest,
    state: PoolState,
    now_s: int,
    terms: PriceTerms,
    now: list[ScoredPool],
    later: list[ScoredPool],
) -> Rejection | None:
    """Add the pool where it belongs; ROOM: when it will have room is not known."""
    needs, pool = request.needs, state.pool
    seconds = needs.cards * expected_s(request)
    delta = state.fragmentation_deltas(needs.cards, needs.nodes)[0]
    if delta is not None:
        part = fragmentation_part(delta, pool, terms.weights)
        now.append(score_pool(needs, pool, terms, seconds, now_s, pool.wait_s, part))
        return None
    earliest = state.earliest_start(needs.cards, needs.nodes, now_s)
    if earliest is None:
        return Rejection.ROOM
    if not pool.is_open(earliest[0], earliest[0] + pool.wait_s + request.ended_after_s):
        return Rejection.MAINTENANCE
    later.append(score_pool(needs, pool, terms, seconds, now_s, earliest[0] + pool.wait_s - now_s, 0))
    return None


def _best_first(pools: list[ScoredPool]) -> tuple[ScoredPool, ...]:
    return tuple(sorted(pools, key=lambda scored_pool: (scored_pool.score, scored_pool.pool.key)))
