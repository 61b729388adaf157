"""Explanation, SQL over a file and calculator are one rule: same status, same fen, same reasons, same questions.

Many rows for the rules in which every kind of node occurs, a few for each of the others; `make agree` decides a million
rows of every rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.law.explain.explanation import explain
from huisuan.law.explain.questionnaire import assess_rule
from huisuan.law.explain.verdict import RuleEvaluator
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, ValueKind, parse_value
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import Settings
from huisuan.law.policy.stacking import PolicyRule
from huisuan.law.sql.compute_file import answer_query
from support.examples import examples
from support.random_facts import EDGES, Row, as_words, random_rows, typed
from support.representative_rules import representative_rules

POLICY = load_policy("anhui-agi-2023")
FEW = representative_rules(POLICY)
RULES = [pytest.param(rule, id=rule.key) for rule in FEW]
QUESTIONS = POLICY.interpretation_specs().values()
IN_FORCE, LATE, KNOWN = date(2024, 12, 31), date(2027, 1, 1), date(2025, 12, 31)
RATES = (Fraction(1, 5), Fraction(0), Fraction(3, 40), Fraction(1, 7), Fraction(1234, 10_000))


@dataclass(frozen=True)
class World:
    """What the province set: the policy with these shares and options, read on a day as known on a day."""

    policy: Policy
    on: date = IN_FORCE
    as_known: date = KNOWN


def world(
    rate: Fraction, uplift: Fraction, award: int, options: Mapping[str, str] | None = None, *, on: date = IN_FORCE,
    as_known: date = KNOWN,
) -> World:  # fmt: skip
    """The policy with other settings (fen for `award`) within the bounds of the law, and other options."""
    chosen = {
        "2.2.rate": rate, "5.1.rate": rate, "0.2.uplift": uplift, "14.1.national": award,
        "0.2.north": ("340600", "341600"), "4.1.rate": {"340100": rate, "340600": Fraction(1, 3), "341800": uplift},
        **(options or {}),
    }  # fmt: skip
    adopted = tuple(
        replace(adopted, value=chosen.get(adopted.name, adopted.value)) for adopted in POLICY.settings.adopted
    )
    return World(replace(POLICY, settings=Settings(adopted)), on, as_known)


def usable(spec: FactSpec, cell: Any) -> Any:
    """The cell's value as a fact, or None where `law explain` would refuse it."""
    raw = cell.isoformat() if isinstance(cell, date) else cell
    try:
        return None if raw is None else parse_value(spec.kind, raw, maximum=spec.maximum, options=spec.options)
    except InvalidValue:
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
    columns = as_words(rule, rows) if as_text else typed(rule, rows)
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.register("facts", pa.table(columns))
        types = {name: kind for name, kind, *_ in engine.execute("DESCRIBE facts").fetchall()}
        query, _ = answer_query(at.policy, rule, "facts", types, on=at.on, as_known=at.as_known)
        return engine.execute(query.sql("duckdb")).fetchall()


def differences(at: World, rule: Rule, rows: list[Row], *, as_text: bool = False) -> Iterator[str]:
    """What the two readings disagree about."""
    for row, told in zip(rows, by_sql(at, rule, rows, as_text=as_text), strict=True):
        explained, asked = by_explanation(at, rule, row), by_calculator(at, rule, row)
        if not told == explained == asked:
            yield f"{rule.sentence} {row}: SQL {told}, explanation {explained}, calculator {asked}"


def by_calculator(at: World, rule: Rule, row: Row) -> tuple[str, int | None, str]:
    """The third reading: where somebody stands who has answered so much, and what is still asked of them."""
    progress = assess_rule(
        PolicyRule(at.policy, rule),
        {spec.name: usable(spec, row[spec.name]) for spec in rule.facts},
        at.on,
        at.as_known,
    )
    verdict, asked = progress.verdict, {spec.name for spec in (*progress.deciding, *progress.amount_facts)}
    codes = [f"missing:{spec.name}" for spec in rule.facts if spec.name in asked] or list(verdict.codes())
    told = (
        f"invalid:{code[8:]}" if code.startswith("missing:") and row[code[8:]] is not None else code for code in codes
    )
    return verdict.status.value, verdict.amount_fen, ";".join(told)


def cells(spec: FactSpec) -> st.SearchStrategy[Any]:
    """A fact's cells: missing, at the edges, anything allowed, and beyond."""
    edges = st.sampled_from((None, *EDGES.get(spec.name, ())))
    match spec.kind:
        case ValueKind.BOOL:
            return edges | st.booleans()
        case ValueKind.DATE:
            return edges | st.dates(date(2023, 1, 1), date(2026, 12, 31))
        case ValueKind.CHOICE:
            return edges | st.sampled_from([*(spec.options or {}), "340122", "", "Other"])
        case ValueKind.SHARE:
            return edges | st.integers(0, 101).map(lambda n: f"{n}%") | st.sampled_from(["1/3", "4/3", "1/20000"])
        case ValueKind.TEXT:
            return edges | st.text("abc汉 ", max_size=3)
    most = spec.maximum or 0
    return edges | st.sampled_from([0, 1, most, most + 1, -1]) | st.integers(0, 50) | st.integers(0, most)


def other_answers(rule: Rule) -> Iterator[Any]:
    """The rule under each answer to each open question, one at a time; first under those adopted."""
    yield pytest.param(rule, {}, id=rule.key)
    adopted = POLICY.adopted(IN_FORCE, KNOWN)
    for spec in rule.interpretations():
        for option in spec.options:
            if option != adopted[spec.name].value:
                yield pytest.param(rule, {spec.name: option}, id=f"{rule.key}-{spec.name}-{option}")


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.key) for rule in POLICY.rules if rule not in FEW])
def test_every_rule_gets_one_answer_from_all_readings(rule: Rule) -> None:
    at = world(Fraction(1, 7), Fraction(1, 5), 50_000_000)
    assert list(differences(at, rule, random_rows(20_231_012, rule, 60))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "options"), [case for rule in FEW for case in other_answers(rule)])
def test_many_rows_get_one_answer_from_all_readings(rule: Rule, options: dict[str, str]) -> None:
    at = world(Fraction(1, 7), Fraction(1, 5), 50_000_000, options)
    rows = random_rows(20_231_012, rule, 200)
    assert list(differences(at, rule, rows)) == []
    assert len({told[2] for told in by_sql(at, rule, rows)}) >= 3


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_set_and_claimed_both_say_the_same(rule: Rule, data: st.DataObject) -> None:
    at = data.draw(
        st.builds(
            world, rate=st.sampled_from(RATES), uplift=st.sampled_from(RATES), award=st.integers(0, 50_000_000),
            options=st.fixed_dictionaries({spec.name: st.sampled_from([*spec.options]) for spec in QUESTIONS}),
        )
    )  # fmt: skip
    rows = data.draw(st.lists(st.fixed_dictionaries({spec.name: cells(spec) for spec in rule.facts}), min_size=1))
    assert list(differences(at, rule, rows)) == []


def thinned(seed: int, rule: Rule, count: int) -> Iterator[Row]:
    """Rows of allowed cells of which about half are missing."""
    chance = random.Random(seed)
    for row in random_rows(seed, rule, count):
        kept = {spec.name: usable(spec, row[spec.name]) is not None and chance.random() < 0.5 for spec in rule.facts}
        yield {name: cell if kept[name] else None for name, cell in row.items()}


@pytest.mark.parametrize("rule", RULES)
def test_a_fact_that_is_not_asked_for_can_not_matter(rule: Rule) -> None:
    at = world(Fraction(1, 7), Fraction(1, 5), 50_000_000)
    rows = list(thinned(11, rule, 80))
    assert list(differences(at, rule, rows)) == []
    complete = [
        row for row in random_rows(12, rule, 300) if all(usable(s, row[s.name]) is not None for s in rule.facts)
    ]
    evaluator = RuleEvaluator(at.policy, rule, at.on, at.as_known)
    for at_row, row in enumerate(rows):
        facts = {spec.name: usable(spec, row[spec.name]) for spec in rule.facts}
        before = evaluator(facts)
        asked = {spec.name for spec in before.missing}
        for other in complete[at_row % 7 :: 29]:
            filled = {spec.name: usable(spec, other[spec.name]) for spec in rule.facts
                      if facts[spec.name] is None and spec.name not in asked}  # fmt: skip
            after = evaluator({**facts, **filled})
            same = (after.status, after.amount_fen, after.missing)
            assert same == (before.status, before.amount_fen, before.missing), (row, filled)


@pytest.mark.parametrize(
    ("key", "facts", "status", "amount_fen"),
    [
        ("2.2", {"in_anhui": True, "kind": "enterprise", "spend": 0}, "eligible", 0),
        ("6.2", {"among_ten": True, "investment": 600_000_000}, "eligible", 100_000_000),
        ("8.2", {"key_technology": True, "city_paid": 4_000_000_000}, "eligible", 1_000_000_000),
        ("4.1", {"in_anhui": True, "service": "cleaning"}, "not_set", None),
        ("4.1", {"in_anhui": False}, "not_eligible", 0),
    ],
)
def test_what_is_decided_in_any_case_is_not_asked_for(
    key: str, facts: dict[str, Any], status: str, amount_fen: int | None
) -> None:
    rule = POLICY.rule(key)
    row: Row = {spec.name: facts.get(spec.name) for spec in rule.facts}
    at = World(POLICY)
    assert by_explanation(at, rule, row)[:2] == (status, amount_fen)
    assert list(differences(at, rule, [row])) == []


def test_a_city_that_has_set_no_rate_is_not_set_and_neither_ineligible_nor_a_missing_fact() -> None:
    at = world(Fraction(1, 10), Fraction(0), 0)
    rule = at.policy.rule("4.1")
    row: Row = {"in_anhui": True, "service": "cleaning", "sales": None, "city": "341000"}
    assert by_sql(at, rule, [row]) == [("not_set", None, "setting:4.1.rate")]
    answer = explain(at.policy, rule, row, on=at.on, as_known=at.as_known)
    assert answer.to_dict()["status"] == "not_set"
    assert [reason.text for reason in answer.reasons] == ["所在市 黄山市：尚未确定“所在市补贴比例”"]
    assert answer.nearest == ()
    asked = by_sql(at, rule, [{**row, "city": None}])
    assert asked == [("missing_facts", None, "missing:sales;missing:city")]


@pytest.mark.parametrize("rule", RULES)
def test_cells_written_as_text_are_read_as_typed_ones_are(rule: Rule) -> None:
    at = world(Fraction(1, 5), Fraction(1, 5), 50_000_000)
    assert list(differences(at, rule, random_rows(7, rule, 100), as_text=True)) == []


@pytest.mark.parametrize("rule", RULES)
def test_out_of_force_and_before_anything_was_set_both_say_so(rule: Rule) -> None:
    rows = random_rows(7, rule, 20)
    late = world(*RATES[:2], 0, on=LATE)
    unknown = world(*RATES[:2], 0, as_known=date(2023, 10, 11))
    unset = replace(late, policy=replace(late.policy, settings=Settings(())), on=IN_FORCE)
    for at in (late, unknown, unset):
        assert list(differences(at, rule, rows)) == []
    assert {told[0] for told in by_sql(late, rule, rows)} == {"not_in_force"}
    assert {told[:2] for told in by_sql(unknown, rule, rows)} == {("not_yet_known", None)}
    if rule.settings():
        assert all(told[2].startswith("setting:") for told in by_sql(unset, rule, rows))


def test_a_difference_would_be_seen() -> None:
    rule = POLICY.rule("2.2")
    rows = random_rows(7, rule, 50)
    cheap, dear = (world(rate, Fraction(0), 0) for rate in RATES[:2])
    told = [by_sql(cheap, rule, rows), by_sql(dear, rule, rows)]
    assert told[0] != told[1]
    assert [by_explanation(cheap, rule, row) for row in rows] == told[0]
