"""A fact that a source of the platform is said to know says what of it: else the applicant would fill it in."""

from __future__ import annotations

import pytest

from huisuan.compute.fact_sources.registry import SOURCES, is_on_register, measure_of
from huisuan.law import boolean, money
from huisuan.law.model import LawError
from huisuan.law.policy import list_policies, load_policy


@pytest.mark.parametrize("source", ["register", "meter", "relations", "treasury", "things"])
def test_a_source_of_the_platform_without_what_of_it_is_refused(source: str) -> None:
    with pytest.raises(LawError, match="measure") as refused:
        boolean("在皖", "In Anhui", asked_by="3.2", known_by=source)
    assert refused.value.code == "law.fact_source_without_measure"
    money("支出", "Spend", asked_by="2.2", maximum="1亿元", known_by=source, measure="spend")  # is read


def test_of_every_policy_here_each_fact_that_a_source_measures_can_be_asked_of_it() -> None:
    asked = [
        (name, rule.key, spec)
        for name in list_policies() for rule in load_policy(name).rules for spec in rule.facts if spec.measure
    ]  # fmt: skip
    assert len(asked) > 20
    assert all(spec.known_by in SOURCES for *_, spec in asked)
    assert [
        (name, key, spec.name) for name, key, spec in asked if spec.known_by != "things" and measure_of(spec) is None
    ] == []
    assert {spec.measure for *_, spec in asked if is_on_register(spec)} == {"agi_firms"}
