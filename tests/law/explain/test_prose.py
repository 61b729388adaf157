"""The third reading: a rule in words, in Chinese and in English, by the answers adopted to the open questions."""

from __future__ import annotations

import re

import pytest

from huisuan.law.explain.prose import general_terms, rule_prose
from huisuan.law.model.rules import Rule
from huisuan.law.policy.load import list_policies, load_folder, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario
from huisuan.law.policy.settings import rule_terms

POLICIES = [load_folder(load_policy(name).folder) for name in list_policies()]
EVERY_RULE = [pytest.param(policy, rule, id=rule.key) for policy in POLICIES for rule in policy.rules]
ANHUI = load_folder(load_policy("anhui-agi-2023").folder)


@pytest.mark.parametrize("answered", [True, False], ids=["as adopted", "in general"])
@pytest.mark.parametrize(("policy", "rule"), EVERY_RULE)
def test_english_is_english_but_for_what_it_quotes(policy: Policy, rule: Rule, answered: bool) -> None:
    terms = general_terms(rule, policy.adopted(policy.valid_from, policy.valid_to)) if answered else None
    told = rule_prose(rule, "en", terms)
    for each in policy.text.sentences.values():  # what is quoted may itself hold quotation marks
        for sentence, phrase in rule.citations():
            if sentence == each.number:
                told = told.replace(f"“{phrase}”", "").replace(f"> {phrase}", "")
    assert not re.findall("[\u3000-\u9fff\uff00-\uffef]+", told)


@pytest.mark.parametrize(("policy", "rule"), EVERY_RULE)
def test_every_condition_is_told_with_its_ground_in_both_languages(policy: Policy, rule: Rule) -> None:
    for language in ("zh", "en"):
        told = rule_prose(rule, language)
        for condition in rule.conditions:
            assert f"{condition.sentence}“{condition.phrase}”" in told.replace(" “", "“")


def test_prose_carries_the_values_of_a_day_only_where_they_are_asked_for() -> None:
    rule = ANHUI.rule("2.2")
    adopted = ANHUI.adopted(ANHUI.valid_from, ANHUI.valid_to)
    in_general, on_the_day = (
        rule_prose(rule, "en", general_terms(rule, adopted)),
        rule_prose(rule, "en", rule_terms(rule, adopted)[0]),
    )
    assert "Rate of the year (by law at most 20%) × Eligible spend" in in_general
    assert "20% × Eligible spend" in on_the_day
    assert "not below 0" in on_the_day


def test_another_answer_to_an_open_question_is_told_as_the_rule() -> None:
    rule = ANHUI.rule("8.2")
    beyond = apply_scenario(ANHUI, Scenario("beyond", {"0.2.cap": "beyond"}))
    told = [
        rule_prose(rule, "zh", general_terms(rule, policy.adopted(policy.valid_from, policy.valid_to)))
        for policy in (ANHUI, beyond)
    ]
    assert "上浮后仍不超过最高限额（另可：先封顶，再上浮）" in told[0]
    assert "先封顶，再上浮（另可：上浮后仍不超过最高限额）" in told[1]
    assert told[0].split("**解释口径**")[0] != told[1].split("**解释口径**")[0]
