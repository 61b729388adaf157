"""What must hold for any facts: amounts grow with what they rest on, and never pass the limit of the law."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.explain.verdict import RuleEvaluator
from huisuan.law.model.answers import Answer
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule, RuleKind
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import Settings
from support.examples import examples

POLICY = load_policy("anhui-agi-2023")
YEAR_END = date(2024, 12, 31)
MOST = 10**12  # 100亿元 in fen
MONEY = st.integers(0, MOST)
CITIES = st.sampled_from(["340100", "340600", "341200"])


def answer(sentence: str, **facts: Any) -> Answer:
    rule = POLICY.rule(sentence)
    return explain(POLICY, rule, parse_facts(rule, facts), on=YEAR_END, as_known=YEAR_END)


def owed(sentence: str, **facts: Any) -> int:
    amount = answer(sentence, **facts).amount_fen
    assert amount is not None
    return amount


@given(MONEY, MONEY, MONEY)
def test_more_spend_never_earns_less_and_more_self_use_never_more(spend: int, more: int, own: int) -> None:
    user = {"in_anhui": True, "kind": "enterprise"}
    amount = owed("2.2", **user, spend=spend, self_use=own)
    assert owed("2.2", **user, spend=min(spend + more, MOST), self_use=own) >= amount
    assert owed("2.2", **user, spend=spend, self_use=min(own + more, MOST)) <= amount


@given(MONEY, MONEY)
def test_no_more_than_a_fifth_of_the_spend_is_ever_paid_and_less_than_a_fen_is_lost(spend: int, own: int) -> None:
    amount = owed("2.2", in_anhui=True, kind="university", spend=spend, self_use=own)
    exact = Fraction(max(spend - own, 0), 5)
    assert amount <= exact < amount + 1
    assert 5 * amount <= spend


@given(MONEY, MONEY, CITIES)
def test_the_award_for_attracted_projects_grows_up_to_its_cap(paid: int, more: int, city: str) -> None:
    amount = owed("8.2", key_technology=True, city_paid=paid, city=city)
    assert 0 <= amount <= 1_000_000_000
    assert amount <= owed("8.2", key_technology=True, city_paid=min(paid + more, MOST), city=city)


@given(MONEY)
def test_a_cap_that_binds_is_always_named_with_the_uncapped_figure(paid: int) -> None:
    found = answer("8.2", key_technology=True, city_paid=paid, city="340100")
    (limit,) = found.limits
    assert limit.bound == (paid * 3 > 10 * limit.limit_fen)
    assert [reason.code for reason in found.reasons if reason.code.startswith("capped")] == ["capped@8.2"] * limit.bound
    assert limit.uncapped_fen == paid * 3 // 10


@given(MONEY, st.integers(400, 10_000_000))
def test_the_north_gets_a_fifth_more_than_the_rest(paid: int, added: int) -> None:
    project = {"added_p": added, "finished_on": "2024-06-30", "city_qualifies": True, "city_paid": paid}
    south, north = owed("1.2", **project, city="340100"), owed("1.2", **project, city="341200")
    assert (south, north) == (paid // 3, paid * 2 // 5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_standards_are_paid_each_by_itself(international: int, national: int) -> None:
    amount = owed("14.1", agi_enterprise=True, international=international, national=national)
    assert amount == 100_000_000 * international + 50_000_000 * national


@given(st.dictionaries(st.sampled_from(["in_anhui", "kind", "spend", "self_use"]), st.none(), max_size=4), MONEY)
def test_a_missing_fact_is_never_taken_for_zero(missing: dict[str, None], spend: int) -> None:
    spend = max(spend, 5)  # of less, a fifth is no fen, whatever the self-use is
    facts = {"in_anhui": True, "kind": "enterprise", "spend": spend, "self_use": 0} | missing
    found = answer("2.2", **facts)
    assert (found.amount_fen is None) == bool(missing)
    assert {reason.code for reason in found.reasons if reason.code.startswith("missing")} == {
        f"missing:{name}" for name in missing
    }


PAYING = [rule for rule in POLICY.rules if rule.kind is RuleKind.PAYS]
TAKEN_OFF = {"self_use", "subsidised_compute", "unspent"}  # the more of it, the less is owed


def a_case(rule: Rule) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({spec.name: any_value(spec) for spec in rule.facts})


def any_value(spec: FactSpec) -> st.SearchStrategy[Any]:
    match spec.kind:
        case ValueKind.BOOL:
            return st.sampled_from([True, True, False])
        case ValueKind.CHOICE:
            return st.sampled_from([*(spec.options or {})])
        case ValueKind.DATE:
            return st.dates(date(2023, 1, 1), date(2025, 12, 31))
        case ValueKind.SHARE:
            return st.integers(0, 10_000).map(lambda n: Fraction(n, 10_000))
    most = spec.maximum or 0
    return st.integers(0, min(10**7, most)) | st.integers(0, most)


def generous(policy: Policy) -> Policy:
    """The policy where every city has set a rate, so that 4.1 pays, too."""
    rates = {f"34{n:02d}00": Fraction(1, 10) for n in range(1, 19)}
    adopted = tuple(
        replace(adopted, value=rates) if adopted.name == "4.1.rate" else adopted for adopted in policy.settings.adopted
    )
    return replace(policy, settings=Settings(adopted))


GENEROUS = generous(POLICY)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.key) for rule in PAYING])
@settings(max_examples=examples(20))
@given(data=st.data())
def test_every_amount_is_a_whole_number_within_its_cap_and_what_was_spent(rule: Rule, data: st.DataObject) -> None:
    facts = data.draw(a_case(rule))
    evaluator = RuleEvaluator(GENEROUS, rule, YEAR_END, YEAR_END)
    verdict = evaluator(facts)
    amount = verdict.amount_fen
    assert type(amount) is int
    assert amount >= 0
    assert (amount > 0) <= (verdict.status == "eligible")
    for seen in verdict.cited:
        if seen.limit is not None:
            assert amount <= seen.limit
    if rule.claim and rule.claim.spent:
        assert amount <= facts[rule.claim.spent]


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.key) for rule in PAYING])
@settings(max_examples=examples(20))
@given(data=st.data())
def test_more_of_what_is_paid_for_never_earns_less(rule: Rule, data: st.DataObject) -> None:
    facts = data.draw(a_case(rule))
    counted = [spec for spec in rule.facts if spec.kind in (ValueKind.MONEY, ValueKind.INT)]
    spec = data.draw(st.sampled_from(counted))
    more = data.draw(st.integers(facts[spec.name], spec.maximum or 0))
    evaluator = RuleEvaluator(GENEROUS, rule, YEAR_END, YEAR_END)
    less, greater = evaluator(facts).amount_fen, evaluator({**facts, spec.name: more}).amount_fen
    assert less is not None
    assert greater is not None
    assert (greater <= less) if spec.name in TAKEN_OFF else (greater >= less)
