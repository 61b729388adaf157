"""The scheduling cycle: job by job in the order of work, each to the best pool that has room for it now.

A job that finds no room blocks no other, but cards are reserved for it where they come free first (one job a pool).
Jobs behind it may use them only if they end by then, or leave them free (EASY backfilling, Lifka 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from operator import add

from huisuan.compute.placement.decisions import RUNNERS_UP, PlacedJob, Ranked
from huisuan.compute.placement.equivalence_classes import NeedsClass, Shape, best
from huisuan.compute.placement.nodes import packing
from huisuan.compute.placement.pool_state import NO_ROOM, PoolState
from huisuan.compute.placement.queue import Backlog, CityState, JobGroup, TenantState
from huisuan.compute.placement.reservations import reserve
from huisuan.compute.placement.scheduling_rules import PLATFORM_RULES, Rules
from huisuan.compute.placement.scoring import PriceTerms
from huisuan.compute.placement.tenant_use import TenantUse
from huisuan.compute.placement.types import (
    City,
    Needs,
    PlacementRequest,
    PlacementTenant,
    Pool,
    Running,
    WaitReason,
    expected_s,
)
from huisuan.compute.placement.weights import Weights

_HOUR = 3600


@dataclass(slots=True)
class Allocation:
    """The allocation of a job that was placed here; its tenant was charged as if it ended at `until_s`."""

    state: PoolState
    tenant: TenantState
    until_s: int
    age_s: int


class Scheduler:
    """Pools, tenants and waiting jobs, kept from cycle to cycle. The caller passes the time, which never goes back."""

    def __init__(
        self,
        pools: Iterable[Pool],
        weights: Weights,
        *,
        tenants: Iterable[PlacementTenant] = (),
        cities: Iterable[City] = (),
        running: Iterable[Running] = (),
        rules: Rules = PLATFORM_RULES,
        before_reserving: Callable[[int], None] = lambda now_s: None,
    ) -> None:
        self.weights, self.rules = weights, rules
        self.before_reserving = before_reserving  # the last moment to `extend` jobs that are overdue
        demand = None if rules.fullest else tuple(sorted(weights.demand.items()))
        in_order = sorted(pools, key=lambda pool: pool.key)
        self.states = [
            PoolState(index, pool, packing(pool.cards_per_node, demand)) for index, pool in enumerate(in_order)
        ]
        by_key = {state.pool.key: state for state in self.states}
        for job in sorted(running, key=lambda job: job.uid):
            if (state := by_key.get((job.centre, job.model))) is not None:
                state.unassigned.append(job)
        self.changes: list[int] = []
        self.reserved_pools: list[PoolState] = []
        self.cities = {city.code: CityState(city) for city in cities}
        self.tenants: dict[str, TenantState] = {}
        self.needs_classes: dict[Needs, NeedsClass] = {}
        self.shapes: dict[tuple[int, int], Shape] = {}
        self.backlog = Backlog(rules.key(weights))
        self.allocations: dict[str, Allocation] = {}
        self.cycle = 0
        self.blocked: list[JobGroup] = []  # cards have yet to be reserved for the first of each
        an_hour = sum(state.pool.cards * state.tflops_tenths for state in self.states) * _HOUR // 10
        self.use = TenantUse(weights.order, an_hour)
        for tenant in tenants:
            self.enter(tenant)

    def enter(self, tenant: PlacementTenant) -> TenantState:
        """Add a tenant."""
        state = self.tenants[tenant.code] = TenantState(tenant, self.cities.get(tenant.city), self.weights)
        self.use.enter(state)
        return state

    def submit(self, request: PlacementRequest, now_s: int, *, peers: Hashable = None) -> None:
        """Add a waiting job. `peers` identifies jobs of one tenant with the same needs for `estimate`."""
        tenant = self.tenants.get(request.tenant) or self.enter(PlacementTenant(request.tenant))
        needs_class = self.needs_classes.get(request.needs)
        if needs_class is None:
            size = request.needs.cards, request.needs.nodes
            shape = self.shapes.get(size)
            if shape is None:
                shape = self.shapes[size] = Shape(*size, len(self.states), self.weights)
            needs_class = self.needs_classes[request.needs] = NeedsClass(request.needs, self.states, shape)
        if peers is None:
            self.backlog.add(request, tenant, needs_class, now_s)
        else:
            self.backlog.add_peer(request, tenant, needs_class, peers)

    def estimate(self, peers: Hashable, predicted_s: int | None, limit_s: int) -> None:
        """The waiting jobs of these peers have this predicted runtime and upper bound from now on."""
        self.backlog.estimate(peers, predicted_s, limit_s)

    def run_cycle(self, now_s: int, *, runners_up: int = RUNNERS_UP, explain: bool = True) -> list[PlacedJob]:
        """Place what can be placed now, in the order of work.

        `explain`: the reasons why the others wait will be asked for, so look at every group. Otherwise the cycle ends
        when no waiting job has room anywhere; the placed jobs are the same.
        """
        if self.use.began_s is None:
            self.use.began_s = now_s
        hopeful = (
            None
            if explain or self.rules.strict
            else [needs_class for needs_class in self.needs_classes.values() if needs_class.waiting]
        )
        if hopeful is not None and not self._any_room(hopeful):
            return []
        self._begin_cycle(now_s)
        backlog = self.backlog
        placed: list[PlacedJob] = []
        aside: list[JobGroup] = []
        while (group := backlog.first()) is not None:
            done = self._decide(group, now_s, runners_up)
            if done is not None:
                placed.append(done)
                if hopeful is not None and not self._any_room(hopeful):
                    break
                continue
            group.cycle = self.cycle
            if self.rules.strict:
                break
            backlog.set_aside(group)
            aside.append(group)
        backlog.put_back(aside)
        return placed

    def _any_room(self, hopeful: list[NeedsClass]) -> bool:
        """Whether some class of waiting jobs has room. Uses the list up: within a cycle, room only gets less."""
        while hopeful:
            needs_class = hopeful[-1]
            if needs_class.waiting:
                cards, count = needs_class.size
                for index in needs_class.pools:
                    if self.states[index].has_room(cards, count):
                        return True
            hopeful.pop()
        return False

    def finish(self, uid: str, now_s: int) -> None:
        """A job that was placed here has ended: free its cards, and correct its tenant's use to the real runtime."""
        allocation = self.allocations.pop(uid)
        cards = allocation.state.allocations[uid][1]
        allocation.state.release(uid)
        self.changes.append(allocation.state.index)
        allocation.tenant.change_held(-cards)
        self.use.add(
            allocation.tenant, allocation.state.normalized_use(cards, now_s - allocation.until_s), allocation.age_s
        )

    def extend(self, uid: str, ends_s: int) -> None:
        """A job that was placed here is now expected to end at `ends_s`."""
        self.allocations[uid].state.extend(uid, ends_s)

    def _begin_cycle(self, now_s: int) -> None:
        self.cycle += 1
        self.blocked = []
        for state in self.reserved_pools:
            state.reservation = None
            self.changes.append(state.index)
        self.reserved_pools = []
        fair = self.rules.fair and self.weights.order.fair
        self.use.begin(now_s, self.backlog.tenants if fair else ())
        self.backlog.begin(now_s, self.use.weighed > 0)

    def _decide(self, group: JobGroup, now_s: int, runners_up: int) -> PlacedJob | None:
        """Place the group's first job, or note why it waits."""
        needs_class, request = group.needs_class, group.jobs[0][3]
        group.quota = group.reserved = None
        over = group.tenant.quota(needs_class.needs.cards)
        if over is not None:
            group.wait_reason, group.quota = over
            return None
        if not needs_class.pools:
            group.wait_reason = needs_class.why_no_pool
            return None
        group.wait_reason = WaitReason.ROOM
        worth = self._room_for(needs_class, group.limit_s, now_s)
        if worth is not None and min(worth) < NO_ROOM:
            seconds = expected_s(request)
            order = self._best(
                needs_class, group.tenant.terms, needs_class.needs.cards * seconds, worth, 1 + runners_up
            )
            return self._place(group, request, seconds, order, worth, now_s)
        if worth is not None:
            needs_class.failed_s = group.limit_s if self.reserved_pools else 0
        self.blocked.append(group)
        return None

    def _best(
        self, needs_class: NeedsClass, terms: PriceTerms, card_seconds: int, worth: Sequence[int], most: int
    ) -> Sequence[int]:
        """Positions of the best pools for the job, best first."""
        if len(worth) == 1:
            return (0,)
        return best(list(map(add, needs_class.static(self.states, terms, card_seconds), worth)), most)

    def _room_for(self, needs_class: NeedsClass, limit_s: int, now_s: int) -> Sequence[int] | None:
        """The fragmentation part of each of the class's pools for a job that long; None: none is known to have room."""
        if needs_class.cycle != self.cycle:
            needs_class.cycle, needs_class.failed_s = self.cycle, NO_ROOM
        if limit_s >= needs_class.failed_s:
            return None
        worth = self.room_of(needs_class)
        if self.blocked and min(worth) < NO_ROOM:
            self.reserve_for_blocked(now_s)
            worth = self.room_of(needs_class)
        if not self.reserved_pools:
            return worth
        worth, long, ends_s = list(worth), needs_class.shape.long, now_s + limit_s
        for before_s, place, index in self._reserved_among(needs_class):
            if ends_s > before_s:
                worth[place] = long[index]
        return worth

    def _reserved_among(self, needs_class: NeedsClass) -> Sequence[tuple[int, int, int]]:
        """The class's pools with a reservation: until when a job may stay there, position, index."""
        known = self.cycle, len(self.reserved_pools)
        if needs_class.reserved_known != known:
            needs_class.reserved_known = known
            needs_class.reserved = [
                (state.reservation.from_s - state.pool.wait_s, needs_class.place[state.index], state.index)
                for state in self.reserved_pools
                if state.reservation is not None and state.index in needs_class.place
            ]
        return needs_class.reserved

    def room_of(self, needs_class: NeedsClass) -> Sequence[int]:
        """The fragmentation part of each of the class's pools, NO_ROOM without room; reservations aside."""
        needs_class.shape.refresh(self.states, self.changes)
        return needs_class.gather(needs_class.shape.short)

    def _place(
        self,
        group: JobGroup,
        request: PlacementRequest,
        seconds: int,
        order: Sequence[int],
        worth: Sequence[int],
        now_s: int,
    ) -> PlacedJob:
        needs_class, tenant, states = group.needs_class, group.tenant, self.states
        needs, terms = needs_class.needs, tenant.terms
        ranked = tuple([Ranked(states[needs_class.pools[place]].pool, worth[place]) for place in order])
        state = states[needs_class.pools[order[0]]]
        long = state.reservation is not None and state.outlasts_reservation(now_s + request.limit_s)
        numbers = state.choose_nodes(needs.cards, needs.nodes, long)
        state.allocate(request.uid, numbers, needs.cards, now_s + seconds + state.pool.wait_s)
        if long:
            state.consume_spare(numbers, needs.cards)
        self.changes.append(state.index)
        self.backlog.take(group)
        self._charge(request, seconds, tenant, state, now_s)
        self.backlog.renew(tenant)
        return PlacedJob(request, terms, now_s, ranked, state.reservation is not None, numbers)

    def _charge(
        self, request: PlacementRequest, seconds: int, tenant: TenantState, state: PoolState, now_s: int
    ) -> None:
        """Charge the expected use at once, or one tenant would take all that is free."""
        cards, age_s = request.needs.cards, self.use.age_s(now_s)
        self.allocations[request.uid] = Allocation(state, tenant, now_s + seconds, age_s)
        tenant.change_held(cards)
        self.use.add(tenant, state.normalized_use(cards, seconds), age_s)
        if self.use.weighed:
            self.use.weigh((tenant,))
        tenant.terms = tenant.terms.after(state.pool, cards * seconds)

    def reserve_for_blocked(self, now_s: int) -> None:
        """Reserve cards for the first job of each group that found no room so far, in pools without a reservation.

        Not when it is blocked but when a job behind it could take a card: most cycles end before that.
        """
        blocked, self.blocked = self.blocked, []
        if not self.rules.reserve or len(self.reserved_pools) == len(self.states):
            return
        self.before_reserving(now_s)
        reserve(blocked, self.states, self.reserved_pools, self.changes, self.cycle, now_s)
