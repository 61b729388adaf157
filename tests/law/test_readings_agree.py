"""The explanation of one claim and the SQL over a file are one rule: same status, same fen, same reasons."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.law.explain import explain
from huisuan.law.nodes import FactSpec
from huisuan.law.policy import Policy, load_policy
from huisuan.law.rules import Rule
from huisuan.law.settings import Settings
from huisuan.law.table import answers
from huisuan.law.values import Kind, Wrong, read

POLICY = load_policy("anhui-agi-2023")
RULES = [pytest.param(rule, id=rule.sentence) for rule in POLICY.rules]
IN_FORCE, LATE, KNOWN = date(2024, 12, 31), date(2027, 1, 1), date(2025, 12, 31)
ARROW = {Kind.BOOL: pa.bool_(), Kind.DATE: pa.date32(), Kind.MONEY: pa.int64(), Kind.INT: pa.int64()}

Row = dict[str, Any]  # a cell per fact, as JSON or Parquet holds it; None is missing

# where an answer turns: a cap just reached with and without the uplift, a size, a day
EDGES: Mapping[str, tuple[Any, ...]] = {
    "city_paid": (3_333_333_333, 3_333_333_334, 2_777_777_777, 2_777_777_778, 4_000_000_000),
    "added_p": (399, 400, 401),
    "finished_on": (date(2024, 12, 31), date(2025, 1, 1)),
    "spend": (4, 5, 6),
}
RATES = (Fraction(1, 5), Fraction(0), Fraction(3, 40), Fraction(1, 7), Fraction(1234, 10_000))


@dataclass(frozen=True)
class World:
    """What the province set: the policy with these shares and options, read on a day as known on a day."""

    policy: Policy
    on: date = IN_FORCE
    as_known: date = KNOWN


def world(rate: Fraction, uplift: Fraction, cap: str, award: int, on: date = IN_FORCE, as_known: date = KNOWN) -> World:
    """The policy with other settings (fen for `award`) within the bounds of the law."""
    chosen = {
        "2.2.rate": rate, "0.2.uplift": uplift, "0.2.cap": cap, "14.1.national": award,
        "0.2.north": ("340600", "341600"),
    }  # fmt: skip
    adopted = tuple(replace(each, value=chosen.get(each.name, each.value)) for each in POLICY.settings.adopted)
    return World(replace(POLICY, settings=Settings(adopted)), on, as_known)


def usable(spec: FactSpec, cell: Any) -> Any:
    """The cell's value as a fact, or None where `law explain` would refuse it."""
    raw = cell.isoformat() if isinstance(cell, date) else cell
    try:
        return None if raw is None else read(spec.kind, raw, maximum=spec.maximum, options=spec.options)
    except Wrong:
        return None


def by_explanation(at: World, rule: Rule, row: Row) -> tuple[str, int | None, str]:
    """The first reading; a cell that cannot be used is missing, and its reason says invalid instead."""
    facts = {spec.name: usable(spec, row[spec.name]) for spec in rule.facts}
    answer = explain(at.policy, rule, facts, on=at.on, as_known=at.as_known)
    codes = []
    for reason in answer.reasons:
        kind, _, name = reason.code.partition(":")
        invalid = kind == "missing" and row[name] is not None
        codes.append(f"invalid:{name}" if invalid else reason.code)
    return answer.status.value, answer.amount_fen, ";".join(codes)


def by_sql(at: World, rule: Rule, rows: list[Row], *, as_text: bool = False) -> list[tuple[str, int | None, str]]:
    """The second reading: all rows in one query, typed as in Parquet or as text as in CSV."""
    columns = {}
    for spec in rule.facts:
        cells = [row[spec.name] for row in rows]
        if as_text:
            columns[spec.name] = pa.array([None if cell is None else _written(cell) for cell in cells], pa.string())
        else:
            columns[spec.name] = pa.array(cells, ARROW.get(spec.kind, pa.string()))
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.register("facts", pa.table(columns))
        types = {name: kind for name, kind, *_ in engine.execute("DESCRIBE facts").fetchall()}
        query, _ = answers(at.policy, rule, "facts", types, on=at.on, as_known=at.as_known)
        return engine.execute(query.sql("duckdb")).fetchall()


def _written(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def differences(at: World, rule: Rule, rows: list[Row], *, as_text: bool = False) -> Iterator[str]:
    """What the two readings disagree about."""
    for row, told in zip(rows, by_sql(at, rule, rows, as_text=as_text), strict=True):
        explained = by_explanation(at, rule, row)
        if told != explained:
            yield f"{rule.sentence} {row}: SQL {told}, explanation {explained}"


def cells(spec: FactSpec) -> st.SearchStrategy[Any]:
    """A fact's cells: missing, at the edges, anything allowed, and beyond."""
    edges = st.sampled_from((None, *EDGES.get(spec.name, ())))
    match spec.kind:
        case Kind.BOOL:
            return edges | st.booleans()
        case Kind.DATE:
            return edges | st.dates(date(2023, 1, 1), date(2026, 12, 31))
        case Kind.CHOICE:
            return edges | st.sampled_from([*(spec.options or {}), "340122", "", "Other"])
        case Kind.SHARE:
            return edges | st.integers(0, 101).map(lambda n: f"{n}%") | st.sampled_from(["1/3", "4/3", "1/20000"])
        case Kind.TEXT:
            return edges | st.text("abc汉 ", max_size=3)
    most = spec.maximum or 0
    return edges | st.sampled_from([0, 1, most, most + 1, -1]) | st.integers(0, 50) | st.integers(0, most)


def random_cell(chance: random.Random, spec: FactSpec) -> Any:
    """The same by chance, cheaply; amounts spread evenly over their sizes."""
    if chance.random() < 0.06:
        return None
    if chance.random() < 0.1 and spec.name in EDGES:
        return chance.choice(EDGES[spec.name])
    match spec.kind:
        case Kind.BOOL:
            return chance.random() < 0.85
        case Kind.DATE:
            return date(2024, 6, 1) + timedelta(days=chance.randrange(260))
        case Kind.CHOICE:
            return chance.choice([*(spec.options or {}), "340122"])
        case Kind.SHARE:
            return chance.choice(["1/3", "0%", "100%", f"{chance.randrange(10_100) / 100:.2f}%"])
        case Kind.TEXT:
            return chance.choice(["甲", " ", "乙方"])
    most = spec.maximum or 0
    return chance.choice([0, 1, most, most + 1, -1]) if chance.random() < 0.05 else _spread(chance, most)


def _spread(chance: random.Random, most: int) -> int:
    return chance.randrange(2 ** chance.randint(1, most.bit_length())) % (most + 1)


def random_rows(seed: int, rule: Rule, count: int) -> list[Row]:
    """So many rows of random cells."""
    chance = random.Random(seed)
    return [{spec.name: random_cell(chance, spec) for spec in rule.facts} for _ in range(count)]


OPEN = [
    pytest.param(rule, cap, id=f"{rule.sentence}-{cap}")
    for rule in POLICY.rules
    for cap in ("within", "beyond")
    if cap == "within" or any(spec.name == "0.2.cap" for spec in rule.interpretations())
]


@pytest.mark.parametrize(("rule", "cap"), OPEN)
def test_thousands_of_rows_get_one_answer_from_both(rule: Rule, cap: str) -> None:
    at = world(Fraction(1, 7), Fraction(1, 5), cap, 50_000_000)
    rows = random_rows(20_231_012, rule, 1_500)
    assert list(differences(at, rule, rows)) == []
    assert len({told[2] for told in by_sql(at, rule, rows)}) >= (3 if rule.amount is None else 5)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_set_and_claimed_both_say_the_same(rule: Rule, data: st.DataObject) -> None:
    at = data.draw(
        st.builds(
            world, rate=st.sampled_from(RATES), uplift=st.sampled_from(RATES),
            cap=st.sampled_from(["within", "beyond"]), award=st.integers(0, 50_000_000),
        )
    )  # fmt: skip
    rows = data.draw(st.lists(st.fixed_dictionaries({spec.name: cells(spec) for spec in rule.facts}), min_size=1))
    assert list(differences(at, rule, rows)) == []


@pytest.mark.parametrize("rule", RULES)
def test_cells_written_as_text_are_read_as_typed_ones_are(rule: Rule) -> None:
    at = world(Fraction(1, 5), Fraction(1, 5), "within", 50_000_000)
    assert list(differences(at, rule, random_rows(7, rule, 200), as_text=True)) == []


@pytest.mark.parametrize("rule", RULES)
def test_out_of_force_and_before_anything_was_set_both_say_so(rule: Rule) -> None:
    rows = random_rows(7, rule, 20)
    late = world(*RATES[:2], "within", 0, on=LATE)
    unset = world(*RATES[:2], "within", 0, as_known=date(2023, 10, 11))
    for at in (late, unset):
        assert list(differences(at, rule, rows)) == []
    assert {told[0] for told in by_sql(late, rule, rows)} == {"not_in_force"}
    if rule.settings():
        assert all(told[2].startswith("setting:") for told in by_sql(unset, rule, rows))


def test_a_difference_would_be_seen() -> None:
    rule = POLICY.rule("2.2")
    rows = random_rows(7, rule, 50)
    cheap, dear = (world(rate, Fraction(0), "within", 0) for rate in RATES[:2])
    told = [by_sql(cheap, rule, rows), by_sql(dear, rule, rows)]
    assert told[0] != told[1]
    assert [by_explanation(cheap, rule, row) for row in rows] == told[0]
