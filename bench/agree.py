"""All readings of every rule over random rows: claim by claim, as SQL on each engine, by the calculator; none differs.

    python bench/agree.py [--rows 1000000] [--rules 2.2,6.2] [--engines duckdb,postgres,spark] [--seed 1] [--workers 2]
                          [--policy anhui-agi-2023] [--json]

So many rows per rule, in chunks. The first chunk is decided as the policy is set; every other one under settings and
readings of the open questions drawn at random within the bounds of the law; of a rule that counts by the days of use,
every third chunk is cut into parts on days by chance, each with settings of its own. Cells are missing, at the edges
where an answer turns, and beyond what a fact allows; every second chunk comes as text, as CSV does. Of every chunk the
first rows are also asked of the calculator. So many rows, too, of claims that are summed and of rules that pay for the
same (`agree_sums`: `--rules claims,stacking`). The tests compare the same for few rows. Exit code 1: they differ.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the rows by chance that the tests draw

import duckdb
import pyarrow as pa
from agree_engines import on_postgres, on_spark, private_postgres
from agree_sums import CLAIMS, STACKING, compare_sums

from huisuan.law.explain import RuleEvaluator, assess_rule
from huisuan.law.model import FactSpec, InvalidValue, Rule, SettingSpec, Value, ValueKind, parse_value
from huisuan.law.policy import (
    AdoptedSetting,
    Policy,
    PolicyRule,
    Scenario,
    SettingValue,
    apply_scenario,
    load_policy,
    with_adopted,
)
from huisuan.law.policy.by_day import cut_rule, dated_facts
from huisuan.law.sql.compute_file import answer_query
from support.random_facts import Row, as_words, random_rows, typed

CHUNK = 20_000
ASKED = 200  # rows of a chunk that the calculator is asked, which is slower
ENGINES = ("duckdb", "postgres", "spark")
SHOWN = 10  # differences that are printed whole
SHARES = tuple(map(Fraction, ("0", "1/100", "3/40", "1/7", "1234/10000", "1/5", "1/3", "1/2", "50/53", "1")))

Told = tuple[str, int | None, str]  # status, fen, reason codes


@dataclass(frozen=True)
class Task:
    """One chunk: so many rows of a rule; `number` says which, and so everything that is drawn for it."""

    policy: str
    rule: str
    number: int
    rows: int
    seed: int
    engines: tuple[str, ...] = ENGINES[:1]
    postgres: str = ""  # the address of the server, where it is asked


@dataclass(frozen=True)
class Found:
    """What came of a chunk: the rows by status, those that differ, the first of them in words."""

    task: Task
    statuses: Counter[str]
    differing: int
    shown: tuple[str, ...]


@cache
def policy_named(name: str) -> Policy:
    """Each worker reads a policy once."""
    return load_policy(name)


def drawn_policy(policy: Policy, rule: Rule, chance: random.Random) -> Policy:
    """The policy with other settings and options for the rule."""
    values: dict[str, SettingValue] = {spec.name: _setting(spec, chance) for spec in rule.settings()}
    values |= {spec.name: chance.choice(list(spec.options)) for spec in rule.interpretations()}
    return apply_scenario(policy, Scenario("drawn", values)) if values else policy


def drawn_parts(policy: Policy, rule: Rule, chance: random.Random) -> tuple[Policy, tuple[date, ...]]:
    """The policy with other settings from days by chance, and those days; none for a rule that is read on one day."""
    if not dated_facts(rule):
        return policy, ()
    days = (policy.valid_to - policy.valid_from).days
    starts = sorted({policy.valid_from + timedelta(days=chance.randrange(days)) for _ in range(chance.randint(2, 4))})
    decided = []
    for number, first in enumerate(starts):
        values: dict[str, SettingValue] = {spec.name: _setting(spec, chance) for spec in rule.settings()}
        values |= {spec.name: chance.choice(list(spec.options)) for spec in rule.interpretations()}
        known = policy.valid_from + timedelta(days=number + 1)
        decided += [
            AdoptedSetting(name, value, "drawn", "", first, known, f"{number}", Path(os.devnull))
            for name, value in values.items()
        ]
    return with_adopted(policy, decided), tuple(starts)


def _setting(spec: SettingSpec, chance: random.Random) -> SettingValue:
    regions = list(spec.regions or {})
    some = chance.sample(regions, chance.randrange(len(regions) + 1))
    shares = [share for share in SHARES if spec.at_most is None or share <= spec.at_most]
    match spec.kind:
        case ValueKind.REGIONS:
            return tuple(some)
        case ValueKind.RATES:
            return {code: chance.choice(shares) for code in some}
        case ValueKind.SHARE:
            return chance.choice(shares)
    most = int(spec.at_most or 10**10)
    return chance.choice([0, 1, most, chance.randrange(most + 1)])


def by_evaluation(evaluate: RuleEvaluator, rule: Rule, rows: list[Row]) -> Iterator[Told]:
    """The first reading; a cell that cannot be used is missing, and its reason says invalid instead."""
    for row in rows:
        verdict = evaluate({spec.name: usable(spec, row[spec.name]) for spec in rule.facts})
        codes = ";".join(_marked(code, row) for code in verdict.codes())
        yield verdict.status.value, verdict.amount_fen, codes


def usable(spec: FactSpec, cell: Any) -> Value | None:
    """The cell's value as a fact, or None where a claim with it would be refused."""
    raw = cell.isoformat() if isinstance(cell, date) else cell
    try:
        return None if raw is None else parse_value(spec.kind, raw, maximum=spec.maximum, options=spec.options)
    except InvalidValue:
        return None


def _marked(code: str, row: Row) -> str:
    kind, _, name = code.partition(":")
    return f"invalid:{name}" if kind == "missing" and row[name] is not None else code


def by_calculator(policy: Policy, rule: Rule, rows: list[Row], days: tuple[date, date]) -> Iterator[Told]:
    """The third reading: what the calculator knows so far, and what it still asks."""
    for row in rows:
        facts = {spec.name: usable(spec, row[spec.name]) for spec in rule.facts}
        progress = assess_rule(PolicyRule(policy, rule), facts, *days)
        open_names = {spec.name for spec in (*progress.deciding, *progress.amount_facts)}
        codes = [f"missing:{spec.name}" for spec in rule.facts if spec.name in open_names]
        codes = codes or list(progress.verdict.codes())
        marked = ";".join(_marked(code, row) for code in codes)
        yield progress.verdict.status.value, progress.verdict.amount_fen, marked


def by_sql(
    task: Task, policy: Policy, rules: tuple[Rule, Rule], rows: list[Row], days: tuple[date, date]
) -> dict[str, list[Told]]:
    """The second reading, per engine: all rows in one query, typed as in Parquet or as text as in CSV.

    `rules`: the rule, and with the facts of its parts.
    """
    rule, asked = rules
    as_text = bool(task.number % 2)
    facts = pa.table(as_words(asked, rows) if as_text else typed(asked, rows))
    answers: dict[str, list[Told]] = {}
    if "duckdb" in task.engines:
        with duckdb.connect(config={"threads": 1}) as engine:
            engine.register("facts", facts)
            types = {name: kind for name, kind, *_ in engine.execute("DESCRIBE facts").fetchall()}
            query, _ = answer_query(policy, rule, "facts", types, on=days[0], as_known=days[1])
            answers["duckdb"] = engine.execute(query.sql("duckdb")).fetchall()
    if "postgres" in task.engines:
        answers["postgres"] = on_postgres(task.postgres, policy, rules, facts, days, as_text=as_text)
    if "spark" in task.engines:
        answers["spark"] = on_spark(policy, rule, facts, days)
    return answers


def compare(task: Task) -> Found:
    """Decide one chunk all ways."""
    if task.rule in (CLAIMS, STACKING):
        counted, apart = compare_sums(task.rule, task.number, task.rows, task.seed)
        return Found(task, counted, len(apart), tuple(apart[:SHOWN]))
    policy = policy_named(task.policy)
    chance = random.Random(f"{task.seed}:{task.rule}:{task.number}")
    if task.number:
        policy = drawn_policy(policy, policy.rule(task.rule), chance)
    rule, starts = policy.rule(task.rule), ()
    if task.number % 3 == 2:
        policy, starts = drawn_parts(policy, rule, chance)
    asked = cut_rule(rule, starts)
    rows = random_rows(chance.getrandbits(64), asked, task.rows)
    days = (policy.valid_to, policy.valid_to)
    evaluated = list(by_evaluation(RuleEvaluator(policy, rule, *days, starts), asked, rows))
    readings = by_sql(task, policy, (rule, asked), rows, days)
    assert all(len(answers) == task.rows for answers in readings.values()), "an engine lost or doubled rows"
    if not starts:  # it asks about one day
        readings["calculator"] = list(by_calculator(policy, rule, rows[:ASKED], days))
    differing = [
        f"{rule.key} chunk {task.number} {row}: {name} {other}, evaluation {answer}"
        for name, answers in readings.items()
        for row, other, answer in zip(rows, answers, evaluated, strict=False)
        if other != answer
    ]
    return Found(task, Counter(status for status, *_ in evaluated), len(differing), tuple(differing[:SHOWN]))


def tasks(
    policy: str, keys: list[str], rows: int, seed: int, engines: tuple[str, ...], postgres: str
) -> Iterator[Task]:
    """All chunks, rule by rule."""
    for key in keys:
        for number, first in enumerate(range(0, rows, CHUNK)):
            yield Task(policy, key, number, min(CHUNK, rows - first), seed, engines, postgres)


def run(policy: str, keys: list[str], rows: int, seed: int, workers: int, engines: tuple[str, ...]) -> dict[str, Any]:
    """Compare everything; progress goes to standard error, a line per rule."""
    began = time.perf_counter()
    statuses: dict[str, Counter[str]] = {key: Counter() for key in keys}
    differing: Counter[str] = Counter()
    shown: list[str] = []
    server = private_postgres() if "postgres" in engines else nullcontext("")
    with server as address, multiprocessing.get_context("spawn").Pool(workers) as pool:
        for found in pool.imap(compare, tasks(policy, keys, rows, seed, engines, address)):
            key = found.task.rule
            statuses[key] += found.statuses
            differing[key] += found.differing
            shown += found.shown
            if statuses[key].total() == rows:
                said = ", ".join(f"{status} {count:,}" for status, count in statuses[key].most_common())
                seconds = time.perf_counter() - began
                print(f"{seconds:6.0f} s  {key}: {differing[key]:,} differ; {said}", file=sys.stderr, flush=True)
    seconds, total = time.perf_counter() - began, sum(counts.total() for counts in statuses.values())
    return {
        "policy": policy, "engines": list(engines), "rules": len(keys),
        "rows_per_rule": rows, "rows": total, "differing": differing.total(),
        "shown": shown[:SHOWN], "seconds": round(seconds, 1), "rows_per_second": round(total / seconds),
        "statuses": {key: dict(counts) for key, counts in statuses.items()},
        "differing_by_rule": {key: differing[key] for key in keys},
    }  # fmt: skip


def main() -> None:
    """Read the options, compare, print; exit code 1 where a row differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows per rule")
    parser.add_argument("--rules", default="", help="keys with commas; all if not given")
    parser.add_argument("--engines", default="duckdb", help=f"of {', '.join(ENGINES)}, with commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--policy", default="anhui-agi-2023")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.rows < 1 or options.workers < 1:
        parser.error("--rows and --workers must be at least 1")
    engines = tuple(options.engines.split(","))
    if unknown := set(engines) - set(ENGINES):
        parser.error(f"--engines: no {', '.join(sorted(unknown))}")
    every = [*(rule.key for rule in load_policy(options.policy).rules), CLAIMS, STACKING]
    keys = options.rules.split(",") if options.rules else every
    found = run(options.policy, keys, options.rows, options.seed, options.workers, engines)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        print(*found["shown"], sep="\n", end="\n" if found["shown"] else "")
        print(
            f"{found['rules']} rules, {found['rows']:,} rows decided both ways: {found['differing']:,} differ; "
            f"{found['seconds']:,} s, {found['rows_per_second']:,} rows/s"
        )
    if found["differing"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
