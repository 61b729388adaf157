"""What must wait_reason of every plan, whatever comes in: over pools, tenants and jobs drawn by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.compute.placement.decisions import Plan
from huisuan.compute.placement.messages import why_placed, why_waiting
from huisuan.compute.placement.nodes import shape
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import City, Needs, PlacementRequest, PlacementTenant, Pool, Running, expected_s
from huisuan.compute.placement.weights import weights_on
from support.examples import examples
from support.reference_scheduler import Naive

WEIGHTS = weights_on(date(2024, 1, 1))
NOW = 1_700_000_000
SEEDS = st.integers(0, 2**32)
MODELS = {"T4": (16, "65"), "A800": (80, "312"), "910B3": (64, "313"), "H100": (80, "989")}


@dataclass
class World:
    """All that a plan is made of."""

    requests: list[PlacementRequest]
    pools: list[Pool]
    tenants: list[PlacementTenant]
    cities: list[City]
    running: list[Running]

    def plan(self, **rest: Any) -> Plan:
        return plan(
            self.requests,
            self.pools,
            NOW,
            WEIGHTS,
            tenants=self.tenants,
            cities=self.cities,
            running=self.running,
            **rest,
        )


def a_pool(number: int, draw: Random) -> Pool:
    """Some are full, offline, without a price or without gangs."""
    model = draw.choice(sorted(MODELS))
    memory, tflops = MODELS[model]
    largest = draw.choice([1, 4, 8, 8])
    bins = [draw.choice([0, 0, 1, 2]) for _ in range(largest + 1)]
    bins[0] += draw.choice([0, 1, 4])
    bins[-1] += not sum(bins)
    return Pool(
        centre=f"c{number}",
        city=draw.choice(["340100", "340200"]),
        model=model,
        vendor="Huawei" if model == "910B3" else "NVIDIA",
        memory_gib=memory,
        tflops_fp16=Decimal(tflops),
        bins=tuple(bins),
        fen_per_card_hour=draw.choice([None, 300, 1_000, 2_500]),
        online=draw.random() > 0.1,
        abilities=frozenset({"gang", "containers"} if draw.random() > 0.2 else {"containers"}),
        wait_s=draw.choice([0, 0, 600]),
    )


def some_needs(draw: Random) -> Needs:
    """Mostly any card will do."""
    nodes = draw.choice([1, 1, 1, 2, 3])
    rare = draw.random() < 0.3
    return Needs(
        cards=max(nodes * draw.choice([1, 2, 4, 8]) - draw.choice([0, 0, 1]), nodes),
        nodes=nodes,
        models=draw.choice([("A800", "H100"), ("T4",)]) if rare else (),
        min_memory_gib=draw.choice([0, 0, 32]),
        city="340100" if draw.random() < 0.1 else None,
        data_centre=draw.choice([None, "c0", "c1"]),
        data_city=draw.choice([None, "340100"]),
        price_ceiling_fen=1_500 if draw.random() < 0.2 else None,
        abilities=frozenset({"containers"} if rare else ()),
        not_at=frozenset({"c0"} if draw.random() < 0.1 else ()),
    )


def some_asks(draw: Random) -> list[PlacementRequest]:
    """Jobs of few kinds, so that they compete."""
    kinds = [some_needs(draw) for _ in range(draw.randint(1, 5))]
    return [
        PlacementRequest(
            uid=f"j{number:03}",
            tenant=draw.choice(["t1", "t2", "t3"]),
            needs=draw.choice(kinds),
            submitted_s=NOW - draw.randint(0, 100_000),
            limit_s=draw.choice([600, 3_600, 86_400]),
            deadline_s=NOW + 7_200 if draw.random() < 0.2 else None,
            predicted_s=draw.choice([None, 300, 5_000]),
        )
        for number in range(draw.randint(1, 30))
    ]


def some_running(pool: Pool, draw: Random) -> Iterator[Running]:
    """What holds the cards that are not free, or most of them."""
    used = sum((pool.cards_per_node - free) * nodes for free, nodes in enumerate(pool.bins))
    for number in range(draw.randint(0, 8)):
        nodes = draw.choice([1, 1, 2])
        cards = draw.randint(nodes, nodes * pool.cards_per_node)
        if cards <= used:
            used -= cards
            end = NOW + draw.randint(-100, 50_000)
            yield Running(f"r{number}{pool.centre}", pool.centre, pool.model, cards, nodes, end)


def a_world(seed: int) -> World:
    """The same for the same seed."""
    draw = Random(seed)
    pools = [a_pool(number, draw) for number in range(draw.randint(1, 5))]
    tenants = [
        PlacementTenant(
            code,
            city=city,
            weight=draw.choice([50, 100, 400]),
            use=draw.randint(0, 10**9),
            most_cards=draw.choice([None, None, None, 20]),
            held=draw.randint(0, 4),
            subsidy=draw.choice([Fraction(0), Fraction(1, 5), Fraction(1, 3)]),
            remaining_fen=draw.choice([None, 0, 5_000, 10**9]),
            no_subsidy_at=frozenset(draw.choice([(), ("c0",)])),
        )
        for code, city in (("t1", "340100"), ("t2", "340200"))
    ]
    cities = [City("340100", draw.choice([20, 1_000]), 2)] if draw.random() < 0.5 else []
    running = [one for pool in pools for one in some_running(pool, draw)]
    return World(some_asks(draw), pools, tenants, cities, running)


def decided(found: Plan) -> tuple[object, ...]:
    """A plan as plain values."""
    return (
        [(one.request.uid, one.chosen.pool.key, one.on, one.chosen.score, one.backfilled) for one in found.placed],
        [(one.request.uid, one.wait_reason, one.ahead, one.reservation) for one in found.waits],
    )


@settings(max_examples=examples(60))
@given(SEEDS)
def test_the_plan_is_the_one_that_looking_at_everything_gives(seed: int) -> None:
    world = a_world(seed)
    found = world.plan()
    naive = Naive(world.pools, NOW, WEIGHTS, world.tenants, world.cities, world.running).decide(world.requests)
    assert [(one.request.uid, one.chosen.pool.key, one.on, one.chosen.score) for one in found.placed] == [
        (uid, *rest) for uid, rest in naive.placed.items()
    ]
    waits = {
        one.request.uid: (
            one.wait_reason,
            one.reservation and (one.reservation.centre, one.reservation.model, one.reservation.starts_s),
        )
        for one in found.waits
    }
    assert waits == naive.waits


@given(SEEDS)
def test_every_job_is_decided_once_with_its_reasons(seed: int) -> None:
    world = a_world(seed)
    found = world.plan()
    assert Counter(one.request.uid for one in (*found.placed, *found.waits)) == Counter(
        one.uid for one in world.requests
    )
    for reasons in (*map(why_placed, found.placed), *map(why_waiting, found.waits)):
        assert all(reason.text and reason.code for reason in reasons)
        assert reasons


@given(SEEDS, SEEDS)
def test_what_comes_out_does_not_depend_on_the_order_of_what_comes_in(seed: int, shuffle: int) -> None:
    world = a_world(seed)
    once = world.plan()
    for each in (world.requests, world.pools, world.tenants, world.cities, world.running):
        Random(shuffle).shuffle(each)  # type: ignore[arg-type]
    again = world.plan()
    assert decided(once) == decided(again)


@given(SEEDS)
def test_no_card_is_given_twice_and_a_gang_lies_on_nodes_of_its_own(seed: int) -> None:
    world = a_world(seed)
    free = {pool.key: [free for free, nodes in enumerate(pool.bins) for _ in range(nodes)] for pool in world.pools}
    for one in world.plan().placed:
        assert len(set(one.on)) == one.request.needs.nodes
        for number, cards in zip(one.on, shape(one.request.needs.cards, one.request.needs.nodes), strict=True):
            free[one.chosen.pool.key][number] -= cards
    assert all(left >= 0 for nodes in free.values() for left in nodes)


@given(SEEDS)
def test_quotas_of_tenants_and_cities_are_kept(seed: int) -> None:
    world = a_world(seed)
    given_out: Counter[str] = Counter()
    for one in world.plan().placed:
        given_out[one.request.tenant] += one.request.needs.cards
    for tenant in world.tenants:
        if tenant.most_cards is not None and given_out[tenant.code]:
            assert tenant.held + given_out[tenant.code] <= tenant.most_cards
    for city in world.cities:
        more = sum(given_out[tenant.code] for tenant in world.tenants if tenant.city == city.code)
        assert not more or city.held + more <= city.most_cards


@settings(max_examples=examples(60))
@given(SEEDS)
def test_no_job_that_goes_past_another_delays_what_is_kept_for_it(seed: int) -> None:
    """The job for which cards are kept finds them free by the time told.

    When what runs ends as thought, and what goes past it only when it is counted on to be over.
    """
    world = a_world(seed)
    found = world.plan()
    by_key = {pool.key: pool for pool in world.pools}
    for one in found.waits:
        if one.reservation is None:
            continue
        pool = by_key[one.reservation.centre, one.reservation.model]
        at = one.reservation.starts_s - pool.wait_s
        naive = Naive([pool], NOW, WEIGHTS, [], [], world.running).places[0]
        free = naive.free
        for ends_s, _, nodes, pieces in naive.ends:
            if max(ends_s, NOW + 1) <= at:
                for node, piece in zip(nodes, pieces, strict=True):
                    free[node] += piece
        for other in found.placed:
            lasts_s = other.request.limit_s if other.backfilled else expected_s(other.request)
            if other.chosen.pool.key == pool.key and NOW + pool.wait_s + lasts_s > at:
                for node, piece in zip(
                    other.on, shape(other.request.needs.cards, other.request.needs.nodes), strict=True
                ):
                    free[node] -= piece
        pieces = shape(one.request.needs.cards, one.request.needs.nodes)
        for piece in pieces:
            node = max(range(len(free)), key=lambda n: free[n])
            assert free[node] >= piece
            free[node] = -1
