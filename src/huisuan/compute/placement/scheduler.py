"""The pass itself: job by job in the order of work, each to the best pool that has room for it now.

A job that finds no room holds up nobody, but cards are kept for it where they come free first (one job a pool): work
behind it may use them only if it is over by then, or does not touch them (EASY backfilling, Lifka 1995).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from operator import add

from huisuan.compute.placement.bin_packing import packing
from huisuan.compute.placement.decisions import RUNNERS_UP, Placed, Ranked, expected_s
from huisuan.compute.placement.equivalence_classes import NeedsClass, Shape, best
from huisuan.compute.placement.pool_state import NOWHERE, Kept, PoolState
from huisuan.compute.placement.queue import Backlog, CityState, Group, TenantState
from huisuan.compute.placement.scheduling_rules import OURS, Rules
from huisuan.compute.placement.scoring import Terms
from huisuan.compute.placement.tenant_use import TenantUse
from huisuan.compute.placement.types import Ask, City, Hold, Needs, Pool, Reservation, Running, Tenant
from huisuan.compute.placement.weights import Weights

HOUR = 3600


@dataclass(slots=True)
class Holding:
    """What a job that was placed here holds: its tenant was charged as if it ended at `until_s`."""

    state: PoolState
    tenant: TenantState
    until_s: int
    age_s: int


class Planner:
    """Pools, tenants and waiting work, kept from pass to pass. Moments are told by the caller and never go back."""

    def __init__(
        self,
        pools: Iterable[Pool],
        weights: Weights,
        *,
        tenants: Iterable[Tenant] = (),
        cities: Iterable[City] = (),
        running: Iterable[Running] = (),
        rules: Rules = OURS,
        before_keeping: Callable[[int], None] = lambda now_s: None,
    ) -> None:
        self.weights, self.rules = weights, rules
        self.before_keeping = before_keeping  # the last moment to `extend` jobs that are overdue
        demand = None if rules.fullest else tuple(sorted(weights.demand.items()))
        in_order = sorted(pools, key=lambda pool: pool.key)
        self.states = [
            PoolState(index, pool, packing(pool.cards_per_node, demand)) for index, pool in enumerate(in_order)
        ]
        by_key = {state.pool.key: state for state in self.states}
        for one in sorted(running, key=lambda one: one.uid):
            if (state := by_key.get((one.centre, one.model))) is not None:
                state.unlaid.append(one)
        self.changes: list[int] = []
        self.keeping: list[PoolState] = []
        self.cities = {city.code: CityState(city) for city in cities}
        self.tenants: dict[str, TenantState] = {}
        self.kinds: dict[Needs, NeedsClass] = {}
        self.shapes: dict[tuple[int, int], Shape] = {}
        self.backlog = Backlog(rules.key(weights))
        self.holding: dict[str, Holding] = {}
        self.pass_no = 0
        self.blocked: list[Group] = []  # cards have yet to be kept for the first of them
        an_hour = sum(state.pool.cards * state.tenths for state in self.states) * HOUR // 10
        self.use = TenantUse(weights.order, an_hour)
        for tenant in tenants:
            self.enter(tenant)

    def enter(self, tenant: Tenant) -> TenantState:
        """A tenant comes in."""
        state = self.tenants[tenant.code] = TenantState(tenant, self.cities.get(tenant.city), self.weights)
        self.use.enter(state)
        return state

    def submit(self, ask: Ask, now_s: int, *, peers: Hashable = None) -> None:
        """A job waits from now on. `peers` names jobs of one tenant with the same needs for `estimate`."""
        tenant = self.tenants.get(ask.tenant) or self.enter(Tenant(ask.tenant))
        kind = self.kinds.get(ask.needs)
        if kind is None:
            size = ask.needs.cards, ask.needs.nodes
            shape = self.shapes.get(size)
            if shape is None:
                shape = self.shapes[size] = Shape(*size, len(self.states), self.weights)
            kind = self.kinds[ask.needs] = NeedsClass(ask.needs, self.states, shape)
        if peers is None:
            self.backlog.add(ask, tenant, kind, now_s)
        else:
            self.backlog.add_peer(ask, tenant, kind, peers)

    def estimate(self, peers: Hashable, predicted_s: int | None, limit_s: int) -> None:
        """The waiting jobs of these peers are now predicted to run so long, and counted on to be over by the limit."""
        self.backlog.estimate(peers, predicted_s, limit_s)

    def pass_over(self, now_s: int, *, runners_up: int = RUNNERS_UP, explain: bool = True) -> list[Placed]:
        """Place what can be placed now, in the order of work.

        `explain`: it will be asked why the others wait, so that every group must be looked at. Else the pass ends when
        nothing that waits has room anywhere: what is placed is the same.
        """
        if self.use.began_s is None:
            self.use.began_s = now_s
        hopeful = None if explain or self.rules.strict else [kind for kind in self.kinds.values() if kind.waiting]
        if hopeful is not None and not self._any_room(hopeful):
            return []
        self._begin(now_s)
        backlog = self.backlog
        placed: list[Placed] = []
        aside: list[Group] = []
        while (group := backlog.first()) is not None:
            done = self._decide(group, now_s, runners_up)
            if done is not None:
                placed.append(done)
                if hopeful is not None and not self._any_room(hopeful):
                    break
                continue
            group.pass_no = self.pass_no
            if self.rules.strict:
                break
            backlog.set_aside(group)
            aside.append(group)
        backlog.put_back(aside)
        return placed

    def _any_room(self, hopeful: list[NeedsClass]) -> bool:
        """Whether some class of waiting jobs has room. Uses the list up: within a pass, room only gets less."""
        while hopeful:
            kind = hopeful[-1]
            if kind.waiting:
                cards, count = kind.size
                for index in kind.pools:
                    if self.states[index].has_room(cards, count):
                        return True
            hopeful.pop()
        return False

    def finish(self, uid: str, now_s: int) -> None:
        """A job that was placed here is over: its cards are free, and its tenant used what it really used."""
        one = self.holding.pop(uid)
        cards = one.state.holds[uid][1]
        one.state.give(uid)
        self.changes.append(one.state.index)
        one.tenant.holds(-cards)
        self.use.add(one.tenant, one.state.worth(cards, now_s - one.until_s), one.age_s)

    def extend(self, uid: str, ends_s: int) -> None:
        """A job that was placed here is now thought to end then."""
        self.holding[uid].state.extend(uid, ends_s)

    def _begin(self, now_s: int) -> None:
        self.pass_no += 1
        self.blocked = []
        for state in self.keeping:
            state.kept = None
            self.changes.append(state.index)
        self.keeping = []
        fair = self.rules.fair and self.weights.order.fair
        self.use.begin(now_s, self.backlog.tenants if fair else ())
        self.backlog.begin(now_s, self.use.weighed > 0)

    def _decide(self, group: Group, now_s: int, runners_up: int) -> Placed | None:
        """Place the group's first job, or note why it waits."""
        kind, ask = group.kind, group.jobs[0][3]
        group.quota = group.reserved = None
        over = group.tenant.quota(kind.needs.cards)
        if over is not None:
            group.hold, group.quota = over
            return None
        if not kind.pools:
            group.hold = Hold.OFFLINE if kind.could else Hold.NEVER
            return None
        group.hold = Hold.ROOM
        worth = self._room(kind, group.limit_s, now_s)
        if worth is not None and min(worth) < NOWHERE:
            seconds = expected_s(ask)
            order = self._best(kind, group.tenant.terms, kind.needs.cards * seconds, worth, 1 + runners_up)
            return self._place(group, ask, seconds, order, worth, now_s)
        if worth is not None:
            kind.failed_s = group.limit_s if self.keeping else 0
        self.blocked.append(group)
        return None

    def _best(
        self, kind: NeedsClass, terms: Terms, card_seconds: int, worth: Sequence[int], most: int
    ) -> Sequence[int]:
        """Places of the pools where the job is best off, best first."""
        if len(worth) == 1:
            return (0,)
        return best(list(map(add, kind.static(self.states, terms, card_seconds), worth)), most)

    def _room(self, kind: NeedsClass, limit_s: int, now_s: int) -> Sequence[int] | None:
        """What each of the class's pools is worth now for a job of that length; None: none has room, as was found."""
        if kind.pass_no != self.pass_no:
            kind.pass_no, kind.failed_s = self.pass_no, NOWHERE
        if limit_s >= kind.failed_s:
            return None
        worth = self.room_of(kind)
        if self.blocked and min(worth) < NOWHERE:
            self.keep_for_blocked(now_s)
            worth = self.room_of(kind)
        if not self.keeping:
            return worth
        worth, long, ends_s = list(worth), kind.shape.long, now_s + limit_s
        for before_s, place, index in self._kept_among(kind):
            if ends_s > before_s:
                worth[place] = long[index]
        return worth

    def _kept_among(self, kind: NeedsClass) -> Sequence[tuple[int, int, int]]:
        """Of the class's pools those where cards are kept: until when work may stay there, place, index."""
        known = self.pass_no, len(self.keeping)
        if kind.kept_known != known:
            kind.kept_known = known
            kind.kept = [
                (state.kept.from_s - state.pool.wait_s, kind.place[state.index], state.index)
                for state in self.keeping
                if state.kept is not None and state.index in kind.place
            ]
        return kind.kept

    def room_of(self, kind: NeedsClass) -> Sequence[int]:
        """What each of the class's pools is worth now, NOWHERE without room, whatever is kept for others."""
        kind.shape.refresh(self.states, self.changes)
        return kind.gather(kind.shape.short)

    def _place(
        self, group: Group, ask: Ask, seconds: int, order: Sequence[int], worth: Sequence[int], now_s: int
    ) -> Placed:
        kind, tenant, states = group.kind, group.tenant, self.states
        needs, terms = kind.needs, tenant.terms
        ranked = tuple([Ranked(states[kind.pools[place]].pool, worth[place]) for place in order])
        state = states[kind.pools[order[0]]]
        long = state.kept is not None and state.is_long(now_s + ask.limit_s)
        numbers = state.room(needs.cards, needs.nodes, long)
        state.take(ask.uid, numbers, needs.cards, now_s + seconds + state.pool.wait_s)
        if long:
            state.use_spare(numbers, needs.cards)
        self.changes.append(state.index)
        self.backlog.take(group)
        self._charge(ask, seconds, tenant, state, now_s)
        self.backlog.renew(tenant)
        return Placed(ask, terms, now_s, ranked, state.kept is not None, numbers)

    def _charge(self, ask: Ask, seconds: int, tenant: TenantState, state: PoolState, now_s: int) -> None:
        """What the job is thought to use counts at once, or one tenant would take all that is free."""
        cards, age_s = ask.needs.cards, self.use.age_s(now_s)
        self.holding[ask.uid] = Holding(state, tenant, now_s + seconds, age_s)
        tenant.holds(cards)
        self.use.add(tenant, state.worth(cards, seconds), age_s)
        if self.use.weighed:
            self.use.weigh((tenant,))
        tenant.terms = tenant.terms.after(state.pool, cards * seconds)

    def keep_for_blocked(self, now_s: int) -> None:
        """Keep cards for the first job of each group that found no room so far, where no others are kept yet.

        Not when it is blocked but when someone behind it could take a card: most passes end before that.
        """
        blocked, self.blocked = self.blocked, []
        if not self.rules.reserve or len(self.keeping) == len(self.states):
            return
        self.before_keeping(now_s)
        for group in blocked:
            kind = group.kind
            if kind.kept_pass == self.pass_no:  # nothing was left for this class before: nothing is now
                continue
            found = self._first_to_come_free(kind, now_s)
            if found is None:
                kind.kept_pass = self.pass_no
                continue
            starts_s, state, spare = found
            state.kept = Kept(group.jobs[0][2], starts_s, spare)
            self.keeping.append(state)
            self.changes.append(state.index)
            group.reserved = Reservation(state.pool.centre, state.pool.model, starts_s + state.pool.wait_s)

    def _first_to_come_free(self, kind: NeedsClass, now_s: int) -> tuple[int, PoolState, dict[int, int]] | None:
        soonest: tuple[int, PoolState, dict[int, int]] | None = None
        for index in kind.pools:
            state = self.states[index]
            if state.kept is not None:
                continue
            found = state.earliest(kind.needs.cards, kind.needs.nodes, now_s)
            if found is None:
                continue
            if soonest is None or found[0] + state.pool.wait_s < soonest[0] + soonest[1].pool.wait_s:
                soonest = found[0], state, found[1]
        return soonest
