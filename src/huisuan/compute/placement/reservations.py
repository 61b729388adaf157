"""Reservations for jobs that find no room: cards where they come free first, one job a pool (EASY backfill)."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.equivalence_classes import NeedsClass
from huisuan.compute.placement.pool_state import NodeReservation, PoolState
from huisuan.compute.placement.queue import JobGroup
from huisuan.compute.placement.types import Reservation


def reserve(
    blocked: Sequence[JobGroup],
    states: Sequence[PoolState],
    reserved_pools: list[PoolState],
    changes: list[int],
    cycle: int,
    now_s: int,
) -> None:
    """Reserve cards for the first job of each blocked group; adds to `reserved_pools` and `changes`."""
    for group in blocked:
        needs_class = group.needs_class
        if needs_class.nothing_left_cycle == cycle:  # no pool was left for this class before
            continue
        found = _earliest_pool(needs_class, states, now_s, group.jobs[0][3].ended_after_s)
        if found is None:
            needs_class.nothing_left_cycle = cycle
            continue
        starts_s, state, spare = found
        state.reservation = NodeReservation(group.jobs[0][2], starts_s, spare)
        reserved_pools.append(state)
        changes.append(state.index)
        group.reserved = Reservation(state.pool.centre, state.pool.model, starts_s + state.pool.wait_s)


def _earliest_pool(
    needs_class: NeedsClass, states: Sequence[PoolState], now_s: int, lasts_s: int
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
        if found is None or not state.pool.is_open(found[0], found[0] + state.pool.wait_s + lasts_s):
            continue
        if soonest is None or found[0] + state.pool.wait_s < soonest[0] + soonest[1].pool.wait_s:
            soonest = found[0], state, found[1]
    return soonest
