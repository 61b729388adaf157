"""One scheduling cycle over the waiting jobs: which go where now, and why the others wait."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from huisuan.compute.placement.decisions import Feasibility, Plan, WaitingJob
from huisuan.compute.placement.pool_state import NO_ROOM
from huisuan.compute.placement.queue import JobGroup
from huisuan.compute.placement.scheduler import Scheduler
from huisuan.compute.placement.scheduling_rules import PLATFORM_RULES, Rules
from huisuan.compute.placement.types import City, PlacementRequest, PlacementTenant, Pool, Running, WaitReason
from huisuan.compute.placement.weights import Weights
from huisuan.compute.placement.windows import with_open_pools


def plan(
    requests: Iterable[PlacementRequest],
    pools: Iterable[Pool],
    now_s: int,
    weights: Weights,
    *,
    tenants: Iterable[PlacementTenant] = (),
    cities: Iterable[City] = (),
    running: Iterable[Running] = (),
    rules: Rules = PLATFORM_RULES,
) -> Plan:
    """Decide on every waiting job; a job is bound late, only to a pool that has room for it now.

    The result depends on the input, not on its order. A tenant that is not given has the default weight, no quota and
    no subsidy.
    """
    with _gc_disabled():
        return _plan(
            requests, Scheduler(pools, weights, tenants=tenants, cities=cities, running=running, rules=rules), now_s
        )


def _plan(requests: Iterable[PlacementRequest], scheduler: Scheduler, now_s: int) -> Plan:
    """The plan; the scheduler is gone before the collector is on again, and need not be walked."""
    for request in with_open_pools(requests, [state.pool for state in scheduler.states], now_s):
        scheduler.submit(request, now_s)
    placed = scheduler.run_cycle(now_s)
    scheduler.reserve_for_blocked(now_s)
    return Plan(tuple(placed), tuple(_waiting(scheduler)), scheduler.weights.name)


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """A plan has no reference cycles: Python's collector would walk 100,000 waiting jobs in vain."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _waiting(scheduler: Scheduler) -> list[WaitingJob]:
    """Every job that stays, in the order of work."""
    free = {state.pool.key: state.nodes.bins() for state in scheduler.states}
    feasibility = {
        needs_class: Feasibility(needs_class.could, needs_class.rejected, free)
        for needs_class in scheduler.needs_classes.values()
    }
    left = [
        (key + group.tenant.points, submitted_s, uid, request, group)
        for group in scheduler.backlog.groups.values()
        for key, submitted_s, uid, request in group.jobs
    ]
    left.sort(key=lambda entry: entry[:3])
    wait_reasons = {group: _final_reason(group, scheduler) for group in scheduler.backlog.groups.values()}
    ahead = 0
    waits = []
    for _, _, uid, request, group in left:
        wait_reason = wait_reasons[group]
        reserved = group.reserved if group.reserved is not None and uid == group.jobs[0][2] else None
        waits.append(WaitingJob(request, wait_reason, ahead, feasibility[group.needs_class], reserved, group.quota))
        ahead += not wait_reason.is_permanent
    return waits


def _final_reason(group: JobGroup, scheduler: Scheduler) -> WaitReason:
    """Why the group waits, as things stand at the end; where the order is strict, most were never looked at."""
    if group.cycle != scheduler.cycle:
        return WaitReason.BEHIND if group.needs_class.could else group.needs_class.why_no_pool
    if group.wait_reason is WaitReason.ROOM and min(scheduler.room_of(group.needs_class)) < NO_ROOM:
        return WaitReason.RESERVED
    return group.wait_reason
