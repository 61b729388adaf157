"""What a policy folder must stand up to before anyone may compute with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import RuleKind
from huisuan.law.policy.load import load_folder, load_policy

Copy = Callable[[str, str, str], Path]
YEAR_END = date(2024, 12, 31)


def test_the_text_has_27_sentences_and_their_departments() -> None:
    policy = load_policy("anhui-agi-2023")
    assert len(policy.text.sentences) == 27
    assert policy.text.sentences["2.2"].responsible == "省人工智能产业推进组工作专班"
    assert [rule.key for rule in policy.rules] == [
        "1.1", "1.2", "1.3", "2.2", "3.2", "4.1", "5.1", "5.2", "6.2", "6.2.recommendation", "7.1",
        "7.1.first_purchase", "8.1", "8.2", "9.1", "10.1", "10.1.priority", "10.1.support", "11.1", "11.2", "12.1",
        "13.1", "13.2", "13.2.fund", "14.1", "15.1",
    ]  # fmt: skip
    paying = [rule.key for rule in policy.rules if rule.kind is RuleKind.PAYS]
    assert paying == ["1.2", "2.2", "4.1", "5.1", "6.2", "8.2", "14.1"]


def test_every_citation_occurs_in_its_sentence() -> None:
    policy = load_policy("anhui-agi-2023")
    cited = [citation for rule in policy.rules for citation in rule.citations()]
    assert len(cited) > 20
    for sentence, phrase in cited:
        assert phrase in policy.text.sentences[sentence].text


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("settings/2023.toml", '"2.2.rate" = "20%"', '"2.2.rate" = "25%"', "25% 超过法定上限 20%"),
        ("settings/2023.toml", '"2.2.rate" = "20%"', '"2.2.rate" = 0.2', "不是比例"),
        ("settings/2023-suggested.toml", "suggested = true", 'suggested = "yes"', "suggested 应为 true 或 false"),
        ("settings/2023.toml", '"2.2.rate"', '"2.2.rates"', "未知参数 2.2.rates"),
        ("settings/2023.toml", "100_000_000 #", "100_000_001 #", "超过法定上限 1,000,000.00 元"),
        ("settings/2023.toml", '"0.2.cap" = "within"', '"0.2.cap" = "above"', "没有选项 above"),
        ("text.md", "- [2.1] ", "- [2.2] ", "句 2.2 出现了两次"),
    ],
)
def test_what_is_wrong_is_refused_and_named(changed: Copy, file: str, old: str, new: str, message: str) -> None:
    with pytest.raises(LawError) as refusal:
        load_folder(changed(file, old, new))
    assert message in str(refusal.value)


def test_a_past_answer_is_computed_as_it_was_known_then(changed: Copy) -> None:
    folder = changed("policy.toml", "issuer", "issuer")
    (folder / "settings" / "2024.toml").write_text(
        'authority = "省专班"\nvalid_from = 2024-01-01\nknown_from = 2024-02-08\n[settings]\n"2.2.rate" = "15%"\n',
        encoding="utf-8",
    )
    policy = load_folder(folder)
    rule = policy.rule("2")
    facts = parse_facts(rule, {"in_anhui": True, "kind": "enterprise", "spend": 10_000, "self_use": 0})
    before = explain(policy, rule, facts, on=YEAR_END, as_known=date(2024, 2, 7))
    after = explain(policy, rule, facts, on=YEAR_END, as_known=date(2024, 2, 8))
    last_year = explain(policy, rule, facts, on=date(2023, 12, 31), as_known=YEAR_END)
    assert [before.amount_fen, after.amount_fen, last_year.amount_fen] == [2000, 1500, 2000]
    assert after.settings[0].authority == "省专班"


def test_a_setting_that_nobody_made_is_a_reason_not_a_zero(changed: Copy) -> None:
    policy = load_folder(changed("settings/2023.toml", '"2.2.rate" = "20%"', ""))
    rule = policy.rule("2.2")
    answer = explain(policy, rule, {}, on=YEAR_END, as_known=YEAR_END)
    assert (answer.status, answer.amount_fen) == ("not_set", None)
    assert answer.reasons[0].code == "setting:2.2.rate"


def test_another_interpretation_gives_another_amount(changed: Copy) -> None:
    facts = {"key_technology": True, "city_paid": 5_000_000_000, "city": "340600"}
    within = load_policy("anhui-agi-2023")
    beyond = load_folder(changed("settings/2023.toml", '"0.2.cap" = "within"', '"0.2.cap" = "beyond"'))
    amounts = []
    for policy in (within, beyond):
        rule = policy.rule("8")
        answer = explain(policy, rule, parse_facts(rule, facts), on=YEAR_END, as_known=YEAR_END)
        amounts.append(answer.amount_fen)
        used = {spec.name: spec.value for spec in answer.interpretations}
        assert used["0.2.cap"] == ("within" if policy is within else "beyond")
    assert amounts == [1_000_000_000, 1_200_000_000]


def test_a_policy_lives_in_its_own_folder(changed: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = changed("settings/2023.toml", '"2.2.rate" = "20%"', '"2.2.rate" = "10%"')
    renamed = folder.rename(folder.parent / "other-2024")
    monkeypatch.setenv("HUISUAN_POLICIES", str(renamed.parent))
    assert load_policy("other-2024").settings != load_policy("anhui-agi-2023").settings


def test_an_article_with_one_paying_sentence_may_be_named_by_its_number() -> None:
    policy = load_policy("anhui-agi-2023")
    assert policy.rule("1").sentence == "1.2"
    assert policy.rule("6").key == "6.2"
    with pytest.raises(LawError, match=r"第 7 条（句）有多条规则，请指明：7\.1、7\.1\.first_purchase$"):
        policy.rule("7")
    every = "、".join(rule.key for rule in policy.rules)
    with pytest.raises(LawError, match=f"“16”没有可计算的规则；可计算的句：{re.escape(every)}$"):
        policy.rule("16")
