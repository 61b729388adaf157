"""The JSON Schema takes what `explain` takes, and nothing else."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from huisuan.law.explain.explanation import parse_facts
from huisuan.law.forms.json_schema import SHARE, facts_schema
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import InvalidValue, ValueKind, parse_value
from huisuan.law.policy.load import load_policy

POLICY = load_policy("anhui-agi-2023")
RULES = {rule.key: rule for rule in POLICY.rules}


def taken(rule: Rule, facts: dict[str, Any]) -> bool:
    """Whether the law reads them."""
    try:
        parse_facts(rule, facts)
    except LawError:
        return False
    return True


@pytest.mark.parametrize("key", RULES)
def test_the_schema_of_every_rule_is_a_schema_and_tells_every_fact(key: str) -> None:
    schema = facts_schema(POLICY, RULES[key])
    Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == [spec.name for spec in RULES[key].facts]
    for spec in RULES[key].facts:
        told = schema["properties"][spec.name]
        assert spec.zh in told["description"]
        assert POLICY.text.sentences[spec.asked_by].text in told["description"]
        assert told.get("x-evidence", "") == spec.evidence


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**13), st.text(max_size=5), st.dates().map(date.isoformat),
    st.sampled_from(["20%", "100%", "101%", "1/3", "0.2", "enterprise", "company", "340100", " 20%", "2024-02-30"]),
    st.lists(st.integers(), max_size=2),
)  # fmt: skip


@given(st.data())
def test_what_the_law_reads_the_schema_takes_and_the_other_way_round(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([rule for rule in POLICY.rules if rule.kind == "pays"]))
    name = data.draw(st.sampled_from([*(spec.name for spec in rule.facts), "unheard_of"]))
    value = data.draw(JUNK)
    kind = next((spec.kind for spec in rule.facts if spec.name == name), None)
    valid = Draft202012Validator(facts_schema(POLICY, rule)).is_valid({name: value})
    if kind == ValueKind.DATE and valid:  # a pattern does not know the calendar; `format` is for those who check it
        return
    if isinstance(value, str) and value != value.strip():  # the law forgives blanks, the schema asks for none
        return
    assert valid == taken(rule, {name: value})


@given(st.one_of(st.from_regex(SHARE, fullmatch=True), st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3})?%", fullmatch=True)))
def test_the_pattern_of_a_share_is_the_one_that_the_law_reads(text: str) -> None:
    schema = Draft202012Validator({"type": "string", "pattern": SHARE})
    try:
        value = parse_value(ValueKind.SHARE, text)
    except InvalidValue:
        if "/" not in text:  # that 4/3 is more than the whole, a pattern cannot say
            assert not schema.is_valid(text)
    else:
        assert isinstance(value, Fraction)
        assert schema.is_valid(text)
