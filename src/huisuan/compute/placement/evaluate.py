"""One job against all pools: where it could go now, where later, where never, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from huisuan.compute.placement.bin_packing import packing
from huisuan.compute.placement.decisions import expected_s
from huisuan.compute.placement.filters import Barred, barred
from huisuan.compute.placement.messages import room, why_never
from huisuan.compute.placement.pool_state import PoolState
from huisuan.compute.placement.scoring import Terms, fragmentation_part, scored
from huisuan.compute.placement.types import Ask, Bar, Pool, Reason, Running, Scored, Tenant
from huisuan.compute.placement.weights import Weights


@dataclass(frozen=True)
class Considered:
    """All pools for one job: those with room `now` and those that have it `later`, best first; the rest `barred`.

    `reasons`: why it can never run, where that is so.
    """

    now: tuple[Scored, ...]
    later: tuple[Scored, ...]
    barred: tuple[tuple[Pool, Barred], ...]
    reasons: tuple[Reason, ...]

    @property
    def possible(self) -> bool:
        """Whether some pool, empty, could hold the job: waiting may help."""
        return bool(self.now or self.later) or any(not bar.for_good for _, (bar, _) in self.barred)


def consider(
    ask: Ask,
    pools: Iterable[Pool],
    now_s: int,
    weights: Weights,
    *,
    tenant: Tenant | None = None,
    running: Iterable[Running] = (),
) -> Considered:
    """Judge every pool for one job as if no other work waited: for a preview, or to say why."""
    terms = Terms.before(tenant or Tenant(ask.tenant), weights)
    demand = tuple(sorted(weights.demand.items()))
    lie: dict[tuple[str, str], list[Running]] = {}
    for one in sorted(running, key=lambda one: one.uid):
        lie.setdefault((one.centre, one.model), []).append(one)
    now: list[Scored] = []
    later: list[Scored] = []
    out: list[tuple[Pool, Barred]] = []
    for index, pool in enumerate(sorted(pools, key=lambda pool: pool.key)):
        bar = barred(ask.needs, pool) or (None if pool.online else (Bar.OFFLINE, Bar.OFFLINE.text))
        if bar is None:
            state = PoolState(index, pool, packing(pool.cards_per_node, demand))
            state.unlaid = lie.get(pool.key, [])
            bar = _look(ask, state, now_s, terms, now, later)
        if bar is not None:
            out.append((pool, bar))
    found = Considered(_best_first(now), _best_first(later), tuple(out), ())
    return found if found.possible else Considered((), (), found.barred, (why_never(ask.needs, out),))


def _look(
    ask: Ask, state: PoolState, now_s: int, terms: Terms, now: list[Scored], later: list[Scored]
) -> Barred | None:
    """Add the pool where it belongs, or say why nobody knows when it will have room."""
    needs, pool = ask.needs, state.pool
    seconds = needs.cards * expected_s(ask)
    spoilt = state.spoilt(needs.cards, needs.nodes)[0]
    if spoilt is not None:
        part = fragmentation_part(spoilt, pool, terms.weights)
        now.append(scored(needs, pool, terms, seconds, now_s, pool.wait_s, part))
        return None
    found = state.earliest(needs.cards, needs.nodes, now_s)
    if found is None:
        return Bar.ROOM, f"{room(pool, pool.bins, needs)}；何时能空出还不能确定"
    later.append(scored(needs, pool, terms, seconds, now_s, found[0] + pool.wait_s - now_s, 0))
    return None


def _best_first(found: list[Scored]) -> tuple[Scored, ...]:
    return tuple(sorted(found, key=lambda one: (one.score, one.pool.key)))
