"""The placement as one would first write it: job by job, pool by pool, node by node. The judge of the fast job.

It shares the statements of what a pool lacks and what each part of a score is; how the best is found is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from huisuan.compute.placement.filters import filter_pool
from huisuan.compute.placement.node_assignment import assign_nodes
from huisuan.compute.placement.priority import by_weights, fair_points
from huisuan.compute.placement.scoring import PriceTerms, fragmentation_part, price_part, rest_part
from huisuan.compute.placement.types import City, Needs, PlacementRequest, PlacementTenant, Pool, Running, WaitReason
from huisuan.compute.placement.weights import Weights


@dataclass
class Place:
    """A pool with its nodes."""

    pool: Pool
    free: list[int]
    ends: list[tuple[int, str, tuple[int, ...], tuple[int, ...]]] = field(default_factory=list)
    reserved_from: int | None = None
    spare: dict[int, int] = field(default_factory=dict)


@dataclass
class Answer:
    """uid -> (pool, nodes, score), in order; uid -> (why, what is kept for it)."""

    placed: dict[str, tuple[tuple[str, str], tuple[int, ...], int]] = field(default_factory=dict)
    waits: dict[str, tuple[WaitReason, tuple[str, str, int] | None]] = field(default_factory=dict)


def pieces_of(needs: Needs) -> tuple[int, ...]:
    return tuple(sorted(needs.cards // needs.nodes + (n < needs.cards % needs.nodes) for n in range(needs.nodes))[::-1])


def fragmentation_delta(free: int, piece: int, demand: dict[int, int]) -> int:
    """Thousandths of a card that are of less use when a piece lies on a node with so many free."""

    def idle(cards: int) -> int:
        return cards * 1000 * sum(part for wanted, part in demand.items() if wanted > cards) // sum(demand.values())

    return idle(free - piece) - idle(free)


def nodes_for(place: Place, needs: Needs, ends_s: int, weights: Weights) -> tuple[tuple[int, ...], int] | None:
    """Nodes that the job may use now, those first that are kept for nobody; what it leaves in pieces."""
    if place.pool.free < 0:
        return None
    long = place.reserved_from is not None and ends_s > place.reserved_from
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
            best = min(
                fits, key=lambda n: (fragmentation_delta(place.free[n], piece, weights.demand), place.free[n], n)
            )
            chosen.append(best)
            total += fragmentation_delta(place.free[best], piece, weights.demand)
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
        tenants: Iterable[PlacementTenant],
        cities: Iterable[City],
        running: Sequence[Running],
    ) -> None:
        self.now_s, self.weights = now_s, weights
        self.places = [self._place_running(pool, running) for pool in sorted(pools, key=lambda pool: pool.key)]
        self.tenants = {tenant.code: tenant for tenant in tenants}
        self.held = {tenant.code: tenant.held for tenant in self.tenants.values()}
        self.cities = {city.code: city for city in cities}
        self.city_held = {city.code: city.held for city in self.cities.values()}
        self.use = {tenant.code: tenant.use for tenant in self.tenants.values()}
        self.terms = {tenant.code: PriceTerms.before(tenant, weights) for tenant in self.tenants.values()}
        self.answer = Answer()
        self.failed: dict[tuple[str, Needs, int, bool], WaitReason] = {}
        self.nothing_left: set[Needs] = set()

    @staticmethod
    def _place_running(pool: Pool, running: Sequence[Running]) -> Place:
        place = Place(pool, [free for free, nodes in enumerate(pool.bins) for _ in range(nodes)])
        here = sorted((job for job in running if (job.centre, job.model) == pool.key), key=lambda job: job.uid)
        where = assign_nodes(pool, here)
        for job in here:
            if job.uid in where:
                pieces = pieces_of(Needs(job.cards, job.nodes))
                place.ends.append((job.ends_s, job.uid, where[job.uid], pieces))
        return place

    def decide(self, requests: Iterable[PlacementRequest]) -> Answer:
        """Every job once, in the order of work."""
        left = {request.uid: request for request in requests}
        for request in left.values():
            if request.tenant not in self.tenants:
                tenant = self.tenants[request.tenant] = PlacementTenant(request.tenant)
                self.held[request.tenant] = self.use[request.tenant] = 0
                self.terms[request.tenant] = PriceTerms.before(tenant, self.weights)
        hour = sum(int(place.pool.tflops_fp16 * 10) * place.pool.cards for place in self.places) * 3600 // 10
        self.total = max(sum(self.use.values()), hour, 1)
        key = by_weights(self.weights.order)
        own = {request.uid: (key(request, self.now_s), request.submitted_s, request.uid) for request in left.values()}
        queues: dict[str, list[str]] = {}
        for uid in sorted(left, key=own.__getitem__, reverse=True):
            queues.setdefault(left[uid].tenant, []).append(uid)
        while queues:
            points = {code: self._points(code) for code in queues}
            code = min(queues, key=lambda code: (own[queues[code][-1]][0] + points[code], own[queues[code][-1]][1:]))
            request = left[queues[code].pop()]
            if not queues[code]:
                del queues[code]
            self._one(request)
        for uid, (wait_reason, kept) in self.answer.waits.items():
            needs = left[uid].needs
            if wait_reason is WaitReason.ROOM and any(
                place.pool.online and not filter_pool(needs, place.pool) and nodes_for(place, needs, 0, self.weights)
                for place in self.places
            ):
                self.answer.waits[uid] = WaitReason.RESERVED, kept
        return self.answer

    def _points(self, code: str) -> int:
        weight = sum(tenant.weight for tenant in self.tenants.values())
        return fair_points(self.use[code], self.tenants[code].weight, self.total, weight, self.weights.order)

    def _one(self, request: PlacementRequest) -> None:
        group = (request.tenant, request.needs, request.limit_s, request.deadline_s is not None)
        if group in self.failed:  # what kept the first of them keeps the others
            self.answer.waits[request.uid] = self.failed[group], None
            return
        wait_reason = self._quota(request)
        could = [place for place in self.places if filter_pool(request.needs, place.pool) is None]
        online = [place for place in could if place.pool.online]
        if wait_reason is None and not online:
            wait_reason = WaitReason.OFFLINE if could else WaitReason.NEVER
        if wait_reason is not None:
            self.failed[group] = wait_reason
            self.answer.waits[request.uid] = wait_reason, None
            return
        found = []
        for place in online:
            nodes = nodes_for(place, request.needs, self.now_s + place.pool.wait_s + request.limit_s, self.weights)
            if nodes is not None:
                found.append((self._score(request, place.pool, nodes[1]), place.pool.key, nodes[0], place))
        if not found:
            self.failed[group] = WaitReason.ROOM
            self.answer.waits[request.uid] = WaitReason.ROOM, self._keep(request, online)
            return
        score, _, nodes_chosen, place = min(found, key=lambda option: option[:2])
        self._take(request, place, nodes_chosen)
        self.answer.placed[request.uid] = place.pool.key, nodes_chosen, score

    def _quota(self, request: PlacementRequest) -> WaitReason | None:
        tenant, cards = self.tenants[request.tenant], request.needs.cards
        if tenant.most_cards is not None and self.held[request.tenant] + cards > tenant.most_cards:
            return WaitReason.TENANT_NEVER if cards > tenant.most_cards else WaitReason.TENANT_QUOTA
        city = self.cities.get(tenant.city)
        if city is not None and self.city_held[city.code] + cards > city.most_cards:
            return WaitReason.CITY_NEVER if cards > city.most_cards else WaitReason.CITY_QUOTA
        return None

    def _seconds(self, request: PlacementRequest) -> int:
        return request.limit_s if request.predicted_s is None else min(request.limit_s, request.predicted_s)

    def _score(self, request: PlacementRequest, pool: Pool, pieces: int) -> int:
        seconds = request.needs.cards * self._seconds(request)
        price = price_part(pool, self.terms[request.tenant], seconds)
        return rest_part(request.needs, pool, self.weights) + price + fragmentation_part(pieces, pool, self.weights)

    def _keep(self, request: PlacementRequest, online: Sequence[Place]) -> tuple[str, str, int] | None:
        if request.needs in self.nothing_left:
            return None
        soonest: tuple[int, Place, tuple[int, dict[int, int]]] | None = None
        for place in online:
            if place.reserved_from is None and (found := comes_free(place, request.needs, self.now_s)):
                at = found[0] + place.pool.wait_s
                if soonest is None or at < soonest[0]:
                    soonest = at, place, found
        if soonest is None:
            self.nothing_left.add(request.needs)
            return None
        at, place, (place.reserved_from, place.spare) = soonest
        return place.pool.centre, place.pool.model, at

    def _take(self, request: PlacementRequest, place: Place, nodes: tuple[int, ...]) -> None:
        ends_s = self.now_s + place.pool.wait_s + request.limit_s
        pieces = pieces_of(request.needs)
        for node, piece in zip(nodes, pieces, strict=True):
            place.free[node] -= piece
            if place.reserved_from is not None and ends_s > place.reserved_from and node in place.spare:
                place.spare[node] -= piece
        expected_end_s = self.now_s + place.pool.wait_s + self._seconds(request)
        place.ends.append((expected_end_s, request.uid, nodes, pieces))
        self.held[request.tenant] += request.needs.cards
        tenant = self.tenants[request.tenant]
        if tenant.city in self.city_held:
            self.city_held[tenant.city] += request.needs.cards
        seconds = request.needs.cards * self._seconds(request)
        self.use[request.tenant] += seconds * int(place.pool.tflops_fp16 * 10) // 10
        self.terms[request.tenant] = self.terms[request.tenant].after(place.pool, seconds)
