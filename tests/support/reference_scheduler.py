"""The placement as one would first write it: job by job, pool by pool, node by node. The judge of the fast one.

It shares the statements of what a pool lacks and what each part of a score is; how the best is found is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from huisuan.compute.placement.filters import barred
from huisuan.compute.placement.node_layout import laid
from huisuan.compute.placement.priority import by_weights, fair_points
from huisuan.compute.placement.scoring import Terms, fragmentation_part, price_part, rest_part
from huisuan.compute.placement.types import Ask, City, Hold, Needs, Pool, Running, Tenant
from huisuan.compute.placement.weights import Weights


@dataclass
class Place:
    """A pool with its nodes."""

    pool: Pool
    free: list[int]
    ends: list[tuple[int, str, tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    kept_from: int | None = None
    spare: dict[int, int] = field(default_factory=dict)


@dataclass
class Answer:
    """uid -> (pool, nodes, score), in order; uid -> (why, what is kept for it)."""

    placed: dict[str, tuple[tuple[str, str], tuple[int, ...], int]] = field(default_factory=dict)
    waits: dict[str, tuple[Hold, tuple[str, str, int] | None]] = field(default_factory=dict)


def pieces_of(needs: Needs) -> tuple[int, ...]:
    return tuple(sorted(needs.cards // needs.nodes + (n < needs.cards % needs.nodes) for n in range(needs.nodes))[::-1])


def spoilt(free: int, piece: int, demand: dict[int, int]) -> int:
    """Thousandths of a card that are of less use when a piece lies on a node with so many free."""

    def idle(cards: int) -> int:
        return cards * 1000 * sum(part for wanted, part in demand.items() if wanted > cards) // sum(demand.values())

    return idle(free - piece) - idle(free)


def nodes_for(place: Place, needs: Needs, ends_s: int, weights: Weights) -> tuple[tuple[int, ...], int] | None:
    """Nodes that the job may use now, those first that are kept for nobody; what it leaves in pieces."""
    if place.pool.free < 0:
        return None
    long = place.kept_from is not None and ends_s > place.kept_from
    each = -(-needs.cards // needs.nodes)
    everywhere = range(len(place.free))
    outside = [n for n in everywhere if n not in place.spare or place.spare[n] >= each]
    for allowed in (outside,) if long else (outside, list(everywhere)):
        chosen: list[int] = []
        total = 0
        for piece in pieces_of(needs):
            fits = [n for n in allowed if place.free[n] >= piece and n not in chosen]
            if not fits:
                break
            best = min(fits, key=lambda n: (spoilt(place.free[n], piece, weights.demand), place.free[n], n))
            chosen.append(best)
            total += spoilt(place.free[best], piece, weights.demand)
        if len(chosen) == needs.nodes:
            return tuple(chosen), total
    return None


def comes_free(place: Place, needs: Needs, now_s: int) -> tuple[int, dict[int, int]] | None:
    """When there is room for the job as far as is known, the nodes for it, and what else is free on each by then."""
    free = list(place.free)
    for ends_s, _, nodes, pieces in sorted(place.ends):
        for node, piece in zip(nodes, pieces, strict=True):
            free[node] += piece
        spare: dict[int, int] = {}
        for piece in pieces_of(needs):
            fits = [n for n in range(len(free)) if free[n] >= piece and n not in spare]
            if not fits:
                break
            node = min(fits, key=lambda n: (place.free[n], n))
            spare[node] = free[node] - piece
        if len(spare) == needs.nodes:
            return max(ends_s, now_s + 1), spare
    return None


class Naive:
    """One pass."""

    def __init__(
        self,
        pools: Iterable[Pool],
        now_s: int,
        weights: Weights,
        tenants: Iterable[Tenant],
        cities: Iterable[City],
        running: Sequence[Running],
    ) -> None:
        self.now_s, self.weights = now_s, weights
        self.places = [self._laid(pool, running) for pool in sorted(pools, key=lambda pool: pool.key)]
        self.tenants = {tenant.code: tenant for tenant in tenants}
        self.held = {tenant.code: tenant.held for tenant in self.tenants.values()}
        self.cities = {city.code: city for city in cities}
        self.city_held = {city.code: city.held for city in self.cities.values()}
        self.use = {tenant.code: tenant.use for tenant in self.tenants.values()}
        self.terms = {tenant.code: Terms.before(tenant, weights) for tenant in self.tenants.values()}
        self.answer = Answer()
        self.failed: dict[tuple[str, Needs, int, bool], Hold] = {}
        self.nothing_left: set[Needs] = set()

    @staticmethod
    def _laid(pool: Pool, running: Sequence[Running]) -> Place:
        place = Place(pool, [free for free, nodes in enumerate(pool.bins) for _ in range(nodes)])
        here = sorted((one for one in running if (one.centre, one.model) == pool.key), key=lambda one: one.uid)
        where = laid(pool, here)
        for one in here:
            if one.uid in where:
                pieces = pieces_of(Needs(one.cards, one.nodes))
                place.ends.append((one.ends_s, one.uid, where[one.uid], pieces))
        return place

    def decide(self, asks: Iterable[Ask]) -> Answer:
        """Every job once, in the order of work."""
        left = {ask.uid: ask for ask in asks}
        for ask in left.values():
            if ask.tenant not in self.tenants:
                tenant = self.tenants[ask.tenant] = Tenant(ask.tenant)
                self.held[ask.tenant] = self.use[ask.tenant] = 0
                self.terms[ask.tenant] = Terms.before(tenant, self.weights)
        hour = sum(int(place.pool.tflops_fp16 * 10) * place.pool.cards for place in self.places) * 3600 // 10
        self.total = max(sum(self.use.values()), hour, 1)
        key = by_weights(self.weights.order)
        own = {ask.uid: (key(ask, self.now_s), ask.submitted_s, ask.uid) for ask in left.values()}
        queues: dict[str, list[str]] = {}
        for uid in sorted(left, key=own.__getitem__, reverse=True):
            queues.setdefault(left[uid].tenant, []).append(uid)
        while queues:
            points = {code: self._points(code) for code in queues}
            code = min(queues, key=lambda code: (own[queues[code][-1]][0] + points[code], own[queues[code][-1]][1:]))
            ask = left[queues[code].pop()]
            if not queues[code]:
                del queues[code]
            self._one(ask)
        for uid, (hold, kept) in self.answer.waits.items():
            needs = left[uid].needs
            if hold is Hold.ROOM and any(
                place.pool.online and not barred(needs, place.pool) and nodes_for(place, needs, 0, self.weights)
                for place in self.places
            ):
                self.answer.waits[uid] = Hold.RESERVED, kept
        return self.answer

    def _points(self, code: str) -> int:
        weight = sum(tenant.weight for tenant in self.tenants.values())
        return fair_points(self.use[code], self.tenants[code].weight, self.total, weight, self.weights.order)

    def _one(self, ask: Ask) -> None:
        group = (ask.tenant, ask.needs, ask.limit_s, ask.deadline_s is not None)
        if group in self.failed:  # what kept the first of them keeps the others
            self.answer.waits[ask.uid] = self.failed[group], None
            return
        hold = self._quota(ask)
        could = [place for place in self.places if barred(ask.needs, place.pool) is None]
        online = [place for place in could if place.pool.online]
        if hold is None and not online:
            hold = Hold.OFFLINE if could else Hold.NEVER
        if hold is not None:
            self.failed[group] = hold
            self.answer.waits[ask.uid] = hold, None
            return
        found = []
        for place in online:
            nodes = nodes_for(place, ask.needs, self.now_s + place.pool.wait_s + ask.limit_s, self.weights)
            if nodes is not None:
                found.append((self._score(ask, place.pool, nodes[1]), place.pool.key, nodes[0], place))
        if not found:
            self.failed[group] = Hold.ROOM
            self.answer.waits[ask.uid] = Hold.ROOM, self._keep(ask, online)
            return
        score, _, nodes_chosen, place = min(found, key=lambda one: one[:2])
        self._take(ask, place, nodes_chosen)
        self.answer.placed[ask.uid] = place.pool.key, nodes_chosen, score

    def _quota(self, ask: Ask) -> Hold | None:
        tenant, cards = self.tenants[ask.tenant], ask.needs.cards
        if tenant.most_cards is not None and self.held[ask.tenant] + cards > tenant.most_cards:
            return Hold.TENANT_NEVER if cards > tenant.most_cards else Hold.TENANT_QUOTA
        city = self.cities.get(tenant.city)
        if city is not None and self.city_held[city.code] + cards > city.most_cards:
            return Hold.CITY_NEVER if cards > city.most_cards else Hold.CITY_QUOTA
        return None

    def _seconds(self, ask: Ask) -> int:
        return ask.limit_s if ask.predicted_s is None else min(ask.limit_s, ask.predicted_s)

    def _score(self, ask: Ask, pool: Pool, pieces: int) -> int:
        seconds = ask.needs.cards * self._seconds(ask)
        price = price_part(pool, self.terms[ask.tenant], seconds)
        return rest_part(ask.needs, pool, self.weights) + price + fragmentation_part(pieces, pool, self.weights)

    def _keep(self, ask: Ask, online: Sequence[Place]) -> tuple[str, str, int] | None:
        if ask.needs in self.nothing_left:
            return None
        soonest: tuple[int, Place, tuple[int, dict[int, int]]] | None = None
        for place in online:
            if place.kept_from is None and (found := comes_free(place, ask.needs, self.now_s)):
                at = found[0] + place.pool.wait_s
                if soonest is None or at < soonest[0]:
                    soonest = at, place, found
        if soonest is None:
            self.nothing_left.add(ask.needs)
            return None
        at, place, (place.kept_from, place.spare) = soonest
        return place.pool.centre, place.pool.model, at

    def _take(self, ask: Ask, place: Place, nodes: tuple[int, ...]) -> None:
        ends_s = self.now_s + place.pool.wait_s + ask.limit_s
        pieces = pieces_of(ask.needs)
        for node, piece in zip(nodes, pieces, strict=True):
            place.free[node] -= piece
            if place.kept_from is not None and ends_s > place.kept_from and node in place.spare:
                place.spare[node] -= piece
        thought_s = self.now_s + place.pool.wait_s + self._seconds(ask)
        place.ends.append((thought_s, ask.uid, nodes, pieces))
        self.held[ask.tenant] += ask.needs.cards
        tenant = self.tenants[ask.tenant]
        if tenant.city in self.city_held:
            self.city_held[tenant.city] += ask.needs.cards
        seconds = ask.needs.cards * self._seconds(ask)
        self.use[ask.tenant] += seconds * int(place.pool.tflops_fp16 * 10) // 10
        self.terms[ask.tenant] = self.terms[ask.tenant].after(place.pool, seconds)
