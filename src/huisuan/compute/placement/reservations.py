"""Where cards come free first for a job that finds no room (EASY backfill)."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.equivalence_classes import NeedsClass
from huisuan.compute.placement.pool_state import PoolState


def earliest_pool(
    needs_class: NeedsClass, states: Sequence[PoolState], now_s: int
) -> tuple[int, PoolState, dict[int, int]] | None:
    """The pool without a reservation where the job could begin first: when its cards are free, and the spare by node.

    None: no such pool is known to have room later.
    """
    soonest: tuple[int, PoolState, dict[int, int]] | None = None
    needs = needs_class.needs
    for index in needs_class.pools:
        state = states[index]
        if state.reservation is not None:
            continue
        found = state.earliest_start(needs.cards, needs.nodes, now_s)
        if found is None:
            continue
        if soonest is None or found[0] + state.pool.wait_s < soonest[0] + soonest[1].pool.wait_s:
            soonest = found[0], state, found[1]
    return soonest
