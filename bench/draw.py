"""The draw of review panels, against networkx on the same costs and the same rules: the same optimum, how much sooner.

    .venv/bin/python bench/draw.py [--applications 3000] [--experts 200] [--panel 3] [--peer-applications 3000]
                                   [--rounds 1] [--seed 1] [--json]

Random pools: five fields, each expert in two of them and one in twenty in a rare one; a tenth of the pairs in
conflict; reviews taken on before. networkx is given the whole as well, half a minute a round, so there is one round
after the warm-up (about a minute together); where that is too long it is given fewer applications, and ours runs both.
Both must come to the same evenness and the same sum of random costs. Exit code 1: they differ, or ours takes over five
seconds of processor time for the whole.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from functools import partial

import networkx
from measure import Run, as_json, interleaved, line, machine, report

from huisuan.programmes.review.assignment import COST_BITS
from huisuan.programmes.review.draw import (
    DrawnExpert,
    DrawTerms,
    Panel,
    ReviewedApplication,
    draw_panels,
    find_exclusion,
    random_cost,
)

AIM_SECONDS = 5.0
FIELDS = ("模型", "芯片", "数据", "应用", "安全")
Case = tuple[list[ReviewedApplication], list[DrawnExpert], DrawTerms]
Worth = tuple[int, int]


def make_case(applications: int, experts: int, panel: int, seed: int) -> Case:
    """A random pool and as many applications, a tenth of the pairs in conflict."""
    draw = random.Random(seed)
    parties = [f"P{number}" for number in range(max(applications // 3, 1))]
    rows = [
        ReviewedApplication(f"A{number:06}", draw.choice(FIELDS), frozenset({draw.choice(parties)}))
        for number in range(applications)
    ]
    people = [
        DrawnExpert(
            f"e{number:04}",
            frozenset(draw.sample(FIELDS, 2)) if draw.random() > 0.05 else frozenset({"稀有"}),
            frozenset(draw.sample(parties, len(parties) // 20)),
            frozenset(draw.sample(parties, len(parties) // 20)),
            draw.randrange(6),
        )
        for number in range(experts)
    ]
    return rows, people, DrawTerms(str(seed), panel, 2 * applications * panel // experts + 10, 0)


def worth(case: Case, panels: list[tuple[str, tuple[str, ...]]]) -> Worth:
    """The sum of squared loads, and the sum of random costs: what both minimise, in this order."""
    _, people, terms = case
    added = Counter(expert for _, members in panels for expert in members)
    squares = sum((each.load + added[each.key]) ** 2 for each in people)
    return squares, sum(random_cost(terms.seed, key, expert) for key, members in panels for expert in members)


def draw_with_networkx(case: Case) -> list[tuple[str, tuple[str, ...]]]:
    """The same problem as a flow of least cost, by network simplex."""
    rows, people, terms = case
    graph = networkx.DiGraph()
    weight = (len(people) + 1) << COST_BITS
    graph.add_node("sink", demand=len(rows) * terms.panel)
    for person in people:
        for number in range(person.load + 1, terms.most_reviews + 1):
            slot = ("slot", person.key, number)  # a node, because networkx's parallel edges are slower still
            graph.add_edge(("expert", person.key), slot, capacity=1, weight=weight * number)
            graph.add_edge(slot, "sink", capacity=1, weight=0)
    for row in rows:
        graph.add_node(("application", row.key), demand=-terms.panel)
        for person in people:
            if find_exclusion(row, person, terms.most_reviews) is None:
                cost = random_cost(terms.seed, row.key, person.key)
                graph.add_edge(("application", row.key), ("expert", person.key), capacity=1, weight=cost)
    flow = networkx.min_cost_flow(graph)
    return [(row.key, tuple(to[1] for to, seats in flow["application", row.key].items() if seats)) for row in rows]


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("applications", 3000), ("experts", 200), ("panel", 3), ("peer-applications", 3000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    whole = make_case(asked.applications, asked.experts, asked.panel, asked.seed)
    part = make_case(asked.peer_applications, asked.experts, asked.panel, asked.seed)
    found: dict[str, Worth] = {}

    def ours(name: str, case: Case) -> None:
        panels: tuple[Panel, ...] = draw_panels(*case)
        found[name] = worth(case, [(panel.application, panel.members) for panel in panels])

    def theirs() -> None:
        found["networkx"] = worth(part, draw_with_networkx(part))

    sizes = {asked.applications: whole, asked.peer_applications: part}  # one where the peer gets the whole
    contestants: dict[str, Run] = {f"huisuan {size}": partial(ours, str(size), case) for size, case in sizes.items()}
    timings = interleaved(contestants | {"networkx": theirs}, asked.rounds)
    peers = f"huisuan {asked.peer_applications}"
    lines = [line(f"huisuan {size}", size, timings[f"huisuan {size}"]) for size in sizes]
    lines.append(line("networkx", asked.peer_applications, timings["networkx"], (peers, timings[peers])))
    same = found[str(asked.peer_applications)] == found["networkx"]
    quick = timings[f"huisuan {asked.applications}"].processor <= AIM_SECONDS
    notes = [
        f"the same optimum: {'yes' if same else f'NO: {found}'}",
        f"the whole within {AIM_SECONDS:g} s of processor time: {'yes' if quick else 'NO'}",
    ]
    title, about = f"draw of {asked.panel} of {asked.experts} experts each", machine("highspy", "networkx")
    if asked.json:
        print(json.dumps(as_json(title, lines, about, notes), ensure_ascii=False, indent=2))
    else:
        report(title, lines, about, notes)
    return 0 if same and quick else 1


if __name__ == "__main__":
    sys.exit(main())
