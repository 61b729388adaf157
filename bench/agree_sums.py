"""What `agree` compares beside single rules: claims summed by claimant and period, and rules that pay for the same.

Chunks of claims are of the tests' summing policy (a year's floor and cap, each contract once, projects, standards,
what is paid back, a cap that two rules share). Chunks of stacking are of province, city and a county of the tests in
ways of combining drawn at random; of every second one the common part is declared, too large in some rows.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from huisuan.law.explain.combine import RuleInput, combine_answers
from huisuan.law.explain.explanation import parse_facts
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, Scenario, apply_scenario, load_policy
from huisuan.law.policy.overlap import SharedSpend
from huisuan.law.policy.stacking import PolicyRule, rules_by_ground
from huisuan.law.sql.stack_file import stack_file
from support.random_claims import in_bulk, one_by_one, random_claims
from support.summing_policy import summing_policy
from support.third_policy import third_policy

CLAIMS, STACKING = "claims", "stacking"  # as `--rules` names them beside the rules' keys
DAY = date(2025, 6, 30)
WORLD = 300  # claims that can meet
_NAMES = ("claimant", "contract", "bill", "project", "number", "payment")
MODES = ("once", "together", "rest", "better")
COMMON = "2.2+w.2 common_fen"
Row = dict[str, Any]


@cache
def _written(name: str) -> Policy:
    """A policy of the tests, written once by each worker."""
    place = Path(tempfile.mkdtemp(prefix="agree-"))
    return summing_policy(place) if name == CLAIMS else third_policy(place)


def compare_sums(kind: str, number: int, rows: int, seed: int) -> tuple[Counter[str], list[str]]:
    """One chunk both ways: the rows by status, and those that differ in words."""
    chance = random.Random(f"{seed}:{kind}:{number}")
    with tempfile.TemporaryDirectory() as folder:
        compare = _compare_claims if kind == CLAIMS else _compare_stacking
        return compare(chance, number, rows, Path(folder))


def _compare_claims(chance: random.Random, number: int, rows: int, folder: Path) -> tuple[Counter[str], list[str]]:
    policy, claims = _written(CLAIMS), random_claims(chance.getrandbits(64), rows)
    for at, claim in enumerate(claims):  # one world of many: a fact that lacks leaves only its own undecided
        claim |= {name: f"{claim[name]}-{at // WORLD}" for name in _NAMES if (claim[name] or "").strip()}
    _, bulk = in_bulk(policy, claims, folder)
    single = one_by_one(policy, claims)
    differing = [
        f"claims chunk {number} {row}: duckdb {other}, evaluation {answer}"
        for row, other, answer in zip(claims, bulk, single, strict=True)
        if other != answer
    ]
    return Counter(status for _, status, *_ in single), differing


def _compare_stacking(chance: random.Random, number: int, rows: int, folder: Path) -> tuple[Counter[str], list[str]]:
    policies = _stacked_policies(chance)
    cases = [_random_use(chance, declared=bool(number % 2)) for _ in range(rows)]
    source, target = folder / "facts.parquet", folder / "stacked.parquet"
    pq.write_table(pa.Table.from_pylist(cases), source)
    (layer,) = [layer for layer in rules_by_ground(policies) if layer.ground == "compute-spend"]
    stack_file(layer, source, target, on=DAY, as_known=DAY)
    shown = ", ".join(f'"{place.rule.key} payable_fen"' for place in layer.rules)
    bulk = duckdb.sql(f"SELECT {shown} FROM '{target}'").fetchall()
    single = [_combined(layer.rules, case) for case in cases]
    differing = [
        f"stacking chunk {number} {case}: duckdb {other}, evaluation {answer}"
        for case, other, answer in zip(cases, bulk, single, strict=True)
        if other != answer
    ]
    return Counter("undecided" if None in answer else "payable" for answer in single), differing


def _stacked_policies(chance: random.Random) -> list[Policy]:
    city = apply_scenario(
        load_policy("wuhu-compute-2025"), Scenario("drawn", {"w.2.with_province": chance.choice(MODES)})
    )
    county = apply_scenario(_written(STACKING), Scenario("drawn", {"1.1.beside": chance.choice(("rest", "together"))}))
    # at the level of a city it goes before the city's, which was issued later
    return [load_policy("anhui-agi-2023"), replace(county, level=chance.choice(("county", "city"))), city]


def _random_use(chance: random.Random, *, declared: bool) -> Row:
    def fen(most: int) -> int | None:
        return chance.choice([None, 0, 5, chance.randrange(most), chance.randrange(most), chance.randrange(most)])

    row: Row = {
        "in_anhui": True, "kind": chance.choice(["enterprise"] * 5 + ["other"]), "alike": False,
        "spend": fen(10**9), "local_spend": fen(10**8), "cost": fen(10**9), "self_use": chance.choice([0, 0, 7, None]),
    }  # fmt: skip
    if declared:
        within = min(row["spend"] or 0, row["local_spend"] or 0)
        row[COMMON] = chance.randrange(within + 1 + within // 50)
    return row


def _combined(places: tuple[PolicyRule, ...], row: Row) -> tuple[int | None, ...]:
    asked = [
        RuleInput(place, parse_facts(place.rule, {spec.name: row[spec.name] for spec in place.rule.facts}))
        for place in places
    ]
    both = frozenset(place.key for place in places if place.rule.key in COMMON.partition(" ")[0].split("+"))
    shared = [SharedSpend(both, row[COMMON])] if COMMON in row else []
    try:
        (found,) = combine_answers(asked, on=DAY, as_known=DAY, shared=shared)
    except LawError:  # a common part that is larger than what a rule claims
        return tuple(None for _ in places)
    return tuple(answer.payable_fen for answer in found.rows)
