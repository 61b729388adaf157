"""Placement: how many waiting jobs are decided a second, against looking at everything for each of them.

    python bench/placement.py [--jobs 100000] [--centres 100] [--small 1000] [--rounds 5] [--seed 1] [--json]

A province of so many centres, each with one to three models, and so many waiting jobs of 200 tenants. Two states: room
(enough is free for all, so that every job is placed) and full (all but a twentieth is busy, so that most wait, some
with cards kept for them). A decision is one job placed, with its score by part and the three that came next, or one
job that waits, with its reason and its place in the order. "in words" writes every reason out, too, as the platform
does for what it stores.

Peer: the same rules as one would first write them, a loop over the pools and nodes for every job
(tests/support/reference_scheduler.py), on `--small` jobs, taking turns with ours; both must decide alike (rows wrong).
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from measure import Line, as_json, interleaved, line, machine, report

from huisuan.compute.placement.decisions import Plan
from huisuan.compute.placement.messages import why_placed, why_waiting
from huisuan.compute.placement.plan import plan
from huisuan.compute.placement.types import City, Needs, PlacementRequest, PlacementTenant, Pool, Running
from huisuan.compute.placement.weights import weights_on
from support.reference_scheduler import Naive

NOW = 1_717_200_000
WEIGHTS = weights_on(date(2024, 6, 1))
CITIES = tuple(f"34{number:02}00" for number in (*range(1, 9), *range(10, 14), *range(15, 19)))
MODELS = {
    "V100-SXM2-32GB": ("NVIDIA", 32, "125", 500), "T4": ("NVIDIA", 16, "65", 200), "L20": ("NVIDIA", 48, "119.5", 600),
    "A800-SXM4-80GB": ("NVIDIA", 80, "312", 1_200), "H800-SXM5-80GB": ("NVIDIA", 80, "989", 2_800),
    "Ascend-910B3": ("Huawei", 64, "313", 900), "Ascend-910C": ("Huawei", 128, "752", 2_000),
    "DCU-K100-AI": ("Hygon", 64, "192", 550), "MLU590": ("Cambricon", 80, "314", 850),
}  # fmt: skip
SIZES = ((1, 1), (1, 1), (1, 1), (2, 1), (4, 1), (8, 1), (8, 1), (16, 2), (32, 4), (64, 8))
LIMITS = (3_600, 14_400, 43_200, 86_400)
AIM_PER_SECOND = 20_000


@dataclass
class Province:
    """All that a plan is made of."""

    pools: list[Pool]
    tenants: list[PlacementTenant]
    running: list[Running]
    requests: list[PlacementRequest]
    cities: list[City]

    def plan(self, jobs: int) -> Plan:
        return plan(
            self.requests[:jobs], self.pools, NOW, WEIGHTS,
            tenants=self.tenants, cities=self.cities, running=self.running,
        )  # fmt: skip

    def naive(self, jobs: int) -> Naive:
        naive = Naive(self.pools, NOW, WEIGHTS, self.tenants, self.cities, self.running)
        naive.decide(self.requests[:jobs])
        return naive


def province(centres: int, jobs: int, full: bool, seed: int) -> Province:
    """So many centres and waiting jobs; `full`: nearly every node is busy."""
    draw = Random(seed)
    pools, running = [], []
    for number in range(centres):
        city = draw.choice(CITIES)
        for model in draw.sample(sorted(MODELS), draw.choice((1, 1, 2, 3))):
            vendor, memory, tflops, fen = MODELS[model]
            # room: enough nodes for everything that waits
            nodes = draw.randint(8, 64) if full else draw.randint(8, 64) + jobs // centres
            free = max(nodes // 20, 1) if full else nodes
            bins = (nodes - free, *(0,) * 7, free)
            pool = Pool(
                f"c{number:03}", city, model, vendor, memory, Decimal(tflops), bins, fen * draw.randint(80, 120) // 100,
                True, frozenset({"gang", "containers", "workdir"}), draw.choice((0, 0, 600)),
            )  # fmt: skip
            pools.append(pool)
            busy = nodes - free
            while busy:
                taken = min(draw.choice((1, 1, 2, 8)), busy)
                busy -= taken
                ends = NOW + draw.randint(60, 86_400)
                running.append(Running(f"r{len(running)}", pool.centre, model, 8 * taken, taken, ends))
    tenants = [
        PlacementTenant(
            f"t{number:03}", draw.choice(CITIES), draw.choice((50, 100, 200)), draw.randint(0, 10**10),
            subsidy=Fraction(1, 5), remaining_fen=draw.choice((None, 10**12, 200_000)),
        )
        for number in range(200)
    ]  # fmt: skip
    kinds = [_needs(draw, pools) for _ in range(200)]
    requests = [
        PlacementRequest(
            f"j{number:06}", f"t{int(200 * draw.random() ** 2):03}", draw.choice(kinds), NOW - draw.randint(0, 200_000),
            draw.choice(LIMITS), NOW + 80_000 if draw.random() < 0.02 else None, draw.choice((None, 600, 3_000)),
        )
        for number in range(jobs)
    ]  # fmt: skip
    return Province(pools, tenants, running, requests, [City(CITIES[0], 50_000)])


def _needs(draw: Random, pools: list[Pool]) -> Needs:
    cards, nodes = draw.choice(SIZES)
    which = draw.random()
    return Needs(
        cards,
        nodes,
        models=tuple(draw.sample(sorted(MODELS), 3)) if which < 0.3 else (),
        vendor="Huawei" if 0.3 < which < 0.4 else "",
        min_memory_gib=draw.choice((0, 0, 40)),
        min_tflops_fp16=Decimal(draw.choice((0, 0, 200))),
        city=draw.choice(CITIES) if 0.4 < which < 0.5 else None,
        data_centre=draw.choice(pools).centre if which > 0.7 else None,
    )


def wrong(ours: Plan, naive: Naive) -> int:
    """Jobs that the two decide differently."""
    mine: dict[str, object] = {one.request.uid: (one.chosen.pool.key, one.on, one.chosen.score) for one in ours.placed}
    for one in ours.waits:
        kept = one.reservation
        mine[one.request.uid] = one.wait_reason, kept and (kept.centre, kept.model, kept.starts_s)
    theirs: dict[str, object] = {**naive.answer.placed, **naive.answer.waits}
    return sum(mine[uid] != theirs[uid] for uid in mine) + len(mine.keys() ^ theirs.keys())


def in_words(decided: Plan) -> int:
    """Write every reason out; how many letters."""
    every = chain(map(why_placed, decided.placed), map(why_waiting, decided.waits))
    return sum(len(reason.text) for reasons in every for reason in reasons)


def main() -> None:
    """Measure both states and print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--jobs", type=int, default=100_000)
    asked.add_argument("--centres", type=int, default=100)
    asked.add_argument("--small", type=int, default=1_000)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--json", action="store_true")
    asked = asked.parse_args()
    about = machine()
    lines: list[Line] = []
    notes: list[str] = []
    for state, full in (("room", False), ("full", True)):
        small = province(asked.centres, asked.small, full, asked.seed)
        large = province(asked.centres, asked.jobs, full, asked.seed)
        times = interleaved(
            {
                "naive": lambda small=small: small.naive(asked.small) and None,
                "small": lambda small=small: small.plan(asked.small) and None,
            },
            asked.rounds,
        )
        differ = wrong(small.plan(asked.small), small.naive(asked.small))
        ours = (f"huisuan, {state}, {asked.small:,}", times["small"])
        lines.append(line(ours[0], asked.small, times["small"], wrong=differ))
        lines.append(line(f"naive loop, {state}, {asked.small:,}", asked.small, times["naive"], ours))
        times = interleaved(
            {
                "plan": lambda large=large: large.plan(asked.jobs) and None,
                "words": lambda large=large: in_words(large.plan(asked.jobs)) and None,
            },
            asked.rounds,
        )
        lines.append(line(f"huisuan, {state}, {asked.jobs:,}", asked.jobs, times["plan"]))
        lines.append(line(f"huisuan, {state}, {asked.jobs:,}, in words", asked.jobs, times["words"]))
        decided = large.plan(asked.jobs)
        rate = asked.jobs / times["plan"].median
        notes.append(
            f"{state}: {len(decided.placed):,} placed, {len(decided.waits):,} wait, "
            f"{sum(one.reservation is not None for one in decided.waits):,} with cards kept; {len(large.pools)} pools, "
            f"{len(large.running):,} running: {rate:,.0f} decisions/s "
            f"(aim {AIM_PER_SECOND:,}: {'met' if rate >= AIM_PER_SECOND else 'NOT met'}); "
            f"in words {asked.jobs / times['words'].median:,.0f}/s"
        )
    title = f"Placement, {asked.centres} centres"
    if asked.json:
        print(json.dumps(as_json(title, lines, about, notes), ensure_ascii=False, indent=2))
    else:
        report(title, lines, about, notes)


if __name__ == "__main__":
    main()
