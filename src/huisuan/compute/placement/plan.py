"""One pass over the waiting work: what goes where now, and why the rest waits."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from huisuan.compute.placement.decisions import Outlook, Plan, Waits
from huisuan.compute.placement.pool_state import NOWHERE
from huisuan.compute.placement.queue import Group
from huisuan.compute.placement.scheduler import Planner
from huisuan.compute.placement.scheduling_rules import OURS, Rules
from huisuan.compute.placement.types import Ask, City, Hold, Pool, Running, Tenant
from huisuan.compute.placement.weights import Weights


def plan(
    asks: Iterable[Ask],
    pools: Iterable[Pool],
    now_s: int,
    weights: Weights,
    *,
    tenants: Iterable[Tenant] = (),
    cities: Iterable[City] = (),
    running: Iterable[Running] = (),
    rules: Rules = OURS,
) -> Plan:
    """Decide for every waiting job, late: only what a centre has room for now is sent there.

    What comes out depends on what comes in, not on its order. A tenant that is not told has the usual weight, no quota
    and no subsidy.
    """
    with _no_collector():
        return _planned(
            asks, Planner(pools, weights, tenants=tenants, cities=cities, running=running, rules=rules), now_s
        )


def _planned(asks: Iterable[Ask], planner: Planner, now_s: int) -> Plan:
    """The plan; the planner is gone before the collector is on again, and need not be walked."""
    for ask in asks:
        planner.submit(ask, now_s)
    placed = planner.pass_over(now_s)
    planner.keep_for_blocked(now_s)
    return Plan(tuple(placed), tuple(_waiting(planner)), planner.weights.name)


@contextmanager
def _no_collector() -> Iterator[None]:
    """A plan makes no cycles: Python's collector would walk 100,000 waiting jobs again and again and find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _waiting(planner: Planner) -> list[Waits]:
    """Every job that stays, in the order of work."""
    free = {state.pool.key: state.nodes.bins() for state in planner.states}
    outlooks = {kind: Outlook(kind.could, kind.barred, free) for kind in planner.kinds.values()}
    left = [
        (key + group.tenant.points, submitted_s, uid, ask, group)
        for group in planner.backlog.groups.values()
        for key, submitted_s, uid, ask in group.jobs
    ]
    left.sort(key=lambda one: one[:3])
    holds = {group: _hold(group, planner) for group in planner.backlog.groups.values()}
    ahead = 0
    waits = []
    for _, _, uid, ask, group in left:
        hold = holds[group]
        reserved = group.reserved if group.reserved is not None and uid == group.jobs[0][2] else None
        waits.append(Waits(ask, hold, ahead, outlooks[group.kind], reserved, group.quota))
        ahead += not hold.for_good
    return waits


def _hold(group: Group, planner: Planner) -> Hold:
    """Why the group waits, as things stand at the end; where the order is strict, most were never looked at."""
    if group.pass_no != planner.pass_no:
        return Hold.BEHIND if group.kind.could else Hold.NEVER
    if group.hold is Hold.ROOM and min(planner.room_of(group.kind)) < NOWHERE:
        return Hold.RESERVED
    return group.hold
