"""Only what can still change an answer is asked: shown for rules by chance, for the policies, and by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.explain.intervals import IntervalEvaluation
from huisuan.law.explain.questionnaire import (
    Questionnaire,
    assess_rule,
    build_questionnaire,
    combine_certain,
    list_questions,
    presumed_answer,
)
from huisuan.law.explain.verdict import RuleEvaluator
from huisuan.law.model import expressions as nodes
from huisuan.law.model.claimants import CLAIMANT_KINDS
from huisuan.law.model.expressions import Fact, FactSpec, InterpretationSpec, Node, SettingSpec
from huisuan.law.model.ranges import PossibleValues, Range, is_single
from huisuan.law.model.terms import Terms
from huisuan.law.model.values import FIRST_DAY, LAST_DAY, ValueKind
from huisuan.law.policy.load import list_policies, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import Settings
from huisuan.law.policy.stacking import PolicyRule
from support.examples import examples
from support.representative_rules import representative_rules

DAY = date(2025, 6, 1)
POLICIES = [load_policy(name) for name in list_policies()]


# Trees by chance: every node, over three numbers, a share, two days, two truths and a choice


def fact(name: str, kind: ValueKind, maximum: int | None = None) -> Fact:
    options = {"a": "甲", "b": "乙", "c": "丙"} if kind == ValueKind.CHOICE else None
    return Fact(FactSpec(name, kind, name, name, "1.1", maximum=maximum, options=options))


AMOUNTS = [
    fact("m", ValueKind.MONEY, 1000),
    fact("n", ValueKind.INT, 3),
    fact("k", ValueKind.MONEY, 50),
    fact("s", ValueKind.SHARE),
]
DAYS = [fact("d", ValueKind.DATE), fact("e", ValueKind.DATE)]
TRUTHS = [fact("p", ValueKind.BOOL), fact("q", ValueKind.BOOL)]
CHOICE = fact("c", ValueKind.CHOICE)
FACTS = [each.spec for each in (*AMOUNTS, *DAYS, *TRUTHS, CHOICE)]
RATE = SettingSpec("rate", ValueKind.SHARE, "", "", "1.1", "")
LISTED = SettingSpec("listed", ValueKind.REGIONS, "", "", "1.1", "")
RATES = SettingSpec("rates", ValueKind.RATES, "", "", "1.1", "")
OPEN = InterpretationSpec("open", "1.1", "", "", "", {"x": "", "y": ""}, {"x": "", "y": ""})
TERMS = Terms(
    {"rate": Fraction(1, 3), "listed": ("a", "c"), "rates": {"a": Fraction(1, 10), "b": Fraction(1, 2)}}, {"open": "x"}
)
OPS = st.sampled_from(["<=", "<", ">=", ">", "="])


def const(value: Any, kind: ValueKind) -> Node:
    return nodes.Const(value, kind)


def cited(node: Node) -> Node:
    return nodes.Cited(node, "1.1", "", ValueKind.MONEY)


def a_number(depth: int) -> st.SearchStrategy[Node]:
    leaves = st.one_of(
        st.sampled_from(AMOUNTS),
        st.integers(0, 60).map(lambda n: const(n, ValueKind.MONEY)),
        st.just(nodes.Setting(RATE)),
        st.just(nodes.Lookup(RATES, CHOICE)),
    )
    if not depth:
        return leaves
    part = st.deferred(lambda: a_number(depth - 1))
    return st.one_of(
        leaves,
        st.lists(part, min_size=1, max_size=3).map(lambda terms: nodes.Sum(tuple(terms))),
        st.builds(nodes.Minus, part, part),
        st.builds(nodes.Times, part, part),
        st.builds(nodes.Cap, part, part).map(cited),
        st.builds(nodes.Rounded, part, st.sampled_from([1, 100])),
        st.builds(nodes.When, a_truth(depth - 1), part, part),
        st.builds(lambda x, y: nodes.Interpreted(OPEN, {"x": x, "y": y}), part, part),
    )


def a_truth(depth: int) -> st.SearchStrategy[Node]:
    days = st.one_of(st.sampled_from(DAYS), st.dates(FIRST_DAY, LAST_DAY).map(lambda day: const(day, ValueKind.DATE)))
    listed = st.sampled_from([nodes.Setting(LISTED), nodes.Setting(RATES), const(("b",), ValueKind.CHOICE)])
    leaves = st.one_of(
        st.sampled_from(TRUTHS),
        st.just(const(True, ValueKind.BOOL)),
        st.builds(nodes.Compare, OPS, days, days),
        st.builds(nodes.Among, st.just(CHOICE), listed),
    )
    if not depth:
        return leaves
    part, number = a_truth(depth - 1), a_number(depth - 1)
    several = st.lists(part, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        leaves,
        st.builds(nodes.Compare, OPS, number, number),
        st.builds(nodes.All, several),
        st.builds(nodes.AnyOf, several),
        st.builds(nodes.Not, part),
        st.builds(nodes.When, part, part, part),
    )


def a_value(spec: FactSpec) -> st.SearchStrategy[Any]:
    match spec.kind:
        case ValueKind.BOOL:
            return st.booleans()
        case ValueKind.CHOICE:
            return st.sampled_from([*(spec.options or {})])
        case ValueKind.DATE:
            return st.dates(FIRST_DAY, LAST_DAY) | st.dates(date(2023, 1, 1), date(2025, 12, 31))
        case ValueKind.SHARE:
            return st.integers(0, 10_000).map(lambda n: Fraction(n, 10_000))
        case ValueKind.TEXT:
            return st.sampled_from(["甲", "乙"])
    most = spec.maximum or 0
    return st.sampled_from([0, most]) | st.integers(0, most) | st.integers(0, min(most, 10**7))


def a_case(specs: list[FactSpec]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({spec.name: a_value(spec) for spec in specs})


def a_part(specs: list[FactSpec]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={spec.name: a_value(spec) for spec in specs})


def lies_in(value: Any, span: PossibleValues) -> bool:
    if isinstance(span, Range):
        return bool(span.low <= value <= span.high)
    return span is None or value in span


@given(a_number(3) | a_truth(3), a_part(FACTS), a_case(FACTS))
def test_whatever_is_missing_the_value_of_a_node_lies_within_its_bounds(
    node: Node, known: dict[str, Any], rest: dict[str, Any]
) -> None:
    bounds = IntervalEvaluation(known, TERMS)
    bounds.span(node)
    for part in nodes.walk(node, TERMS.options):
        value = Evaluation({**rest, **known}, TERMS).evaluate(part)
        if not isinstance(value, (tuple, dict)):
            assert lies_in(value, bounds.span(part))


@given(a_number(3) | a_truth(3), a_part(FACTS), a_case(FACTS), a_case(FACTS))
def test_a_fact_that_does_not_matter_never_changes_the_value_of_a_node(
    node: Node, known: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    matter = {spec.name for spec in IntervalEvaluation(known, TERMS).undecided_facts(node)}
    assert matter.isdisjoint(known)
    asked = {name: one[name] for name in matter} | known
    first, second = (Evaluation({**rest, **asked}, TERMS).evaluate(node) for rest in (one, other))
    assert first == second


@given(a_number(3) | a_truth(3), a_part(FACTS), a_case(FACTS))
def test_to_know_more_never_widens_the_bounds_and_never_raises_a_new_question(
    node: Node, known: dict[str, Any], more: dict[str, Any]
) -> None:
    before = IntervalEvaluation(known, TERMS)
    asked = {spec.name for spec in before.undecided_facts(node)}
    for name, value in more.items():
        after = IntervalEvaluation({name: value, **known}, TERMS)
        assert {spec.name for spec in after.undecided_facts(node)} <= asked
        span, wider = after.span(node), before.span(node)
        ends = (span.low, span.high) if isinstance(span, Range) else span or ()
        assert all(lies_in(end, wider) for end in ends)


@given(a_number(3) | a_truth(3), a_part(FACTS))
def test_where_nothing_matters_any_more_the_value_is_fixed(node: Node, known: dict[str, Any]) -> None:
    bounds = IntervalEvaluation(known, TERMS)
    assert is_single(bounds.span(node)) or any(bounds.undecided_facts(node))


# The policies


def generous(policy: Policy) -> Policy:
    """The policy where some cities have set a rate, so that 4.1 can pay."""
    rates = {"340100": Fraction(1, 10), "340200": Fraction(1, 20)}
    adopted = tuple(
        replace(adopted, value=rates) if adopted.name == "4.1.rate" else adopted for adopted in policy.settings.adopted
    )
    return replace(policy, settings=Settings(adopted))


def otherwise(policy: Policy) -> Policy:
    """The policy with the last option of every open question adopted."""
    last = {name: [*spec.options][-1] for name, spec in policy.interpretation_specs().items()}
    adopted = (replace(adopted, value=last.get(adopted.name, adopted.value)) for adopted in policy.settings.adopted)
    return replace(policy, settings=Settings(tuple(adopted)))


PLACES = [PolicyRule(policy, rule) for policy in POLICIES for rule in policy.rules]
OTHERWISE = {policy.name: otherwise(generous(policy)) for policy in POLICIES}
FEW = [PolicyRule(policy, rule) for policy in POLICIES for rule in representative_rules(policy)]
BY_KEY = {place.key: place for place in FEW}


@pytest.mark.parametrize("turned", [False, True], ids=["as adopted", "otherwise"])
@pytest.mark.parametrize("key", BY_KEY)
@settings(max_examples=examples(30))
@given(data=st.data())
def test_a_settled_answer_is_the_answer_of_every_completion_and_nothing_else_is_asked(
    key: str, turned: bool, data: st.DataObject
) -> None:
    place = BY_KEY[key]
    if turned:
        place = PolicyRule(OTHERWISE[place.policy.name], place.rule)
    specs = list(place.rule.facts)
    known, rest = data.draw(a_part(specs)), data.draw(a_case(specs))
    progress = assess_rule(place, known, DAY, DAY)
    evaluator = RuleEvaluator(place.policy, place.rule, DAY, DAY)
    asked = {spec.name: rest[spec.name] for spec in (*progress.deciding, *progress.amount_facts)}
    answered = assess_rule(place, known | asked, DAY, DAY)  # whoever answers all that is asked has an answer
    final = evaluator(rest | known | asked)
    assert answered.settled
    assert (answered.verdict.status, answered.verdict.amount_fen) == (final.status, final.amount_fen)
    other = evaluator(data.draw(a_case(specs)) | known | asked)
    assert (other.status, other.amount_fen) == (final.status, final.amount_fen)  # priority is a status, once it counts
    if progress.settled:
        assert progress.verdict.status == final.status
        assert {each.name for each in progress.verdict.failed} <= {each.name for each in final.failed}
    if progress.amount is not None:
        assert progress.amount.low <= (final.amount_fen or 0) <= progress.amount.high
    for cap in progress.caps:
        if final.amount_fen:
            assert any(other.cited == cap.cited and other.at_least >= cap.at_least for other in final.caps)


def an_answer(spec: FactSpec) -> Any:
    match spec.kind:
        case ValueKind.CHOICE:
            return next(iter(spec.options or {}))
        case ValueKind.DATE:
            return date(2024, 1, 1)
        case ValueKind.SHARE:
            return Fraction(1)
    return True if spec.kind == ValueKind.BOOL else 100


def who(audience: str, **answers: Any) -> Questionnaire:
    keys = {name.replace("__", ":"): value for name, value in answers.items()}
    return build_questionnaire(POLICIES, audience, keys, on=DAY, as_known=DAY)


def keys(inquiry: Questionnaire, *, now: bool = True) -> list[str]:
    return [open_question.question.key for open_question in inquiry.open if open_question.now or not now]


@pytest.mark.parametrize("audience", CLAIMANT_KINDS)
def test_every_audience_has_rules_and_questions_that_reach_an_answer_for_each(audience: str) -> None:
    answers: dict[str, Any] = {}
    while found := build_questionnaire(POLICIES, audience, answers, on=DAY, as_known=DAY).open:
        question = found[0].question
        answers[question.key] = an_answer(question.spec)
    inquiry = build_questionnaire(POLICIES, audience, answers, on=DAY, as_known=DAY)
    assert inquiry.progress
    assert all(progress.settled for progress in inquiry.progress)
    assert len(answers) <= len(inquiry.questions)


def test_a_failed_condition_ends_the_questions_of_its_rule() -> None:
    before, after = who("city"), who("city", key_technology=False)
    assert {"key_technology", "8.2:city_paid"} <= set(keys(before, now=False))
    assert not {"key_technology", "8.2:city_paid"} & set(keys(after, now=False))


def test_a_cap_that_binds_in_any_case_ends_the_questions_too_and_says_so() -> None:
    inquiry = who("enterprise", among_ten=True, investment=10**10)
    award = next(progress for progress in inquiry.progress if progress.place.rule.key == "6.2")
    assert award.settled
    assert award.verdict.amount_fen == 100_000_000
    assert [(cap.limit, cap.at_least) for cap in award.caps] == [(100_000_000, 2_000_000_000)]
    assert [spec.name for spec in award.irrelevant] == ["city", "county", "otherwise_paid"]
    less = who("enterprise", among_ten=True, investment=10**7)  # here the uplift of the north would show
    assert "6.2:city" in keys(less)


def test_where_no_city_has_set_a_rate_nothing_is_asked_about_sales() -> None:
    inquiry = who("enterprise")
    vendor = next(progress for progress in inquiry.progress if progress.place.rule.key == "4.1")
    assert {each.name for each in vendor.deciding} == {"in_anhui", "service"}  # whether the rule is for them at all
    assert {"sales", "4.1:city"}.isdisjoint(keys(inquiry, now=False))
    vendor = next(progress for progress in who("enterprise", **{"2.2__in_anhui": True, "service": "cleaning"}).progress
                  if progress.place.rule.key == "4.1")  # fmt: skip
    assert vendor.settled
    assert (vendor.verdict.status, vendor.verdict.failed) == ("not_set", ())
    assert [spec.name for _, spec in vendor.verdict.awaiting] == ["4.1.rate"]


def test_one_question_serves_all_rules_that_mean_the_same_and_keys_tell_the_others_apart() -> None:
    by_key = {question.key: [place.key for place in question.places] for question in list_questions(POLICIES)}
    assert by_key["kind"] == ["anhui-agi-2023/2.2", "wuhu-compute-2025/w.2"]
    assert by_key["1.2:city_paid"] == ["anhui-agi-2023/1.2"]
    assert by_key["8.2:city_paid"] == ["anhui-agi-2023/8.2"]
    assert "in_anhui" not in by_key  # a short key would not say which of its three meanings was answered
    here = ["anhui-agi-2023/2.2", "anhui-agi-2023/3.2", "anhui-agi-2023/4.1", "anhui-agi-2023/14.1"]
    assert by_key["2.2:in_anhui"] == here
    assert len(by_key) == len(list_questions(POLICIES))


def test_a_question_is_shared_only_where_it_is_about_the_same_thing() -> None:
    by_key = {question.key: [place.rule.key for place in question.places] for question in list_questions(POLICIES)}
    cities = [by_key[f"{key}:city"] for key in ("1.2", "5.1", "6.2", "8.2")]
    assert cities == [["1.2"], ["5.1"], ["6.2"], ["8.2"]]  # four projects, each in its own city
    assert by_key["8.2:city_granted"] == ["8.2"]
    assert by_key["among_ten"] == ["6.2", "6.2.recommendation"]  # one case, paid and recommended
    assert by_key["agi_enterprise"] == ["3.2", "14.1"]  # the claimant is the same in every rule


def test_every_fact_of_every_rule_has_its_question() -> None:
    found = {(place.key, question.spec.name) for question in list_questions(POLICIES) for place in question.places}
    assert found == {(place.key, spec.name) for place in PLACES for spec in place.rule.facts}


def test_what_decides_most_is_asked_first_and_money_last() -> None:
    kinds = [open_question.question.spec.kind for open_question in who("enterprise").open]
    assert kinds.index(ValueKind.MONEY) == len(kinds) - kinds.count(ValueKind.MONEY)
    counts = [
        len(open_question.question.places)
        for open_question in who("enterprise").open
        if open_question.question.spec.kind == ValueKind.BOOL
    ]
    assert counts == sorted(counts, reverse=True)


def test_amounts_wait_until_the_conditions_hold() -> None:
    assert "investment" not in keys(who("enterprise"))
    assert "investment" in keys(who("enterprise", among_ten=True))


def test_who_is_asking_answers_the_questions_that_only_ask_for_it() -> None:
    assert who("enterprise").presumed == {"kind": "enterprise", "enterprise": True}
    assert who("university").presumed == {"kind": "university"}
    assert who("person").presumed == {}
    corrected = who("enterprise", kind="other")
    assert next(progress for progress in corrected.progress if progress.place.rule.key == "2.2").settled
    assert (
        presumed_answer(
            next(question.spec for question in corrected.questions if question.key == "winner"), "enterprise"
        )
        is None
    )


def test_rules_that_pay_for_the_same_are_counted_together_and_what_is_uncertain_is_not() -> None:
    user = {"2.2:in_anhui": True, "spend": 1000_00, "self_use": 0}
    alone = build_questionnaire(POLICIES, "enterprise", user, on=DAY, as_known=DAY)
    spend = next(
        each for each in combine_certain(alone.progress, on=DAY, as_known=DAY) if each.ground == "compute-spend"
    )
    assert spend.payable_fen == 200_00
    both = build_questionnaire(POLICIES, "enterprise", {**user, "local_spend": 1000_00}, on=DAY, as_known=DAY)
    spend = next(
        each for each in combine_certain(both.progress, on=DAY, as_known=DAY) if each.ground == "compute-spend"
    )
    assert [row.payable_fen for row in spend.rows] == [200_00, 250_00]
    uncertain = build_questionnaire(POLICIES, "enterprise", {"local_spend": 1000_00}, on=DAY, as_known=DAY)
    spend = next(
        each for each in combine_certain(uncertain.progress, on=DAY, as_known=DAY) if each.ground == "compute-spend"
    )
    assert spend.payable_fen == 0  # the province goes first, and nobody knows yet what it pays


def test_policies_that_are_not_in_force_ask_nothing() -> None:
    early = build_questionnaire(POLICIES, "enterprise", {}, on=date(2024, 12, 31), as_known=DAY)
    assert {progress.place.policy.name for progress in early.progress} == {"anhui-agi-2023"}
    assert build_questionnaire(POLICIES, "enterprise", {}, on=date(2026, 1, 1), as_known=DAY).progress == ()
