"""What cannot be taken as law, or asked of it, is refused with a stable code that programs can rely on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from huisuan.base.errors import HuisuanError
from huisuan.law.budget.allotment import allot_budget
from huisuan.law.explain.explanation import parse_facts
from huisuan.law.forms.submission import parse_submission
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.scenario import scenario_from_options

POLICY = load_policy("anhui-agi-2023")
LATE = date(2030, 1, 1)
REFUSED: dict[str, Callable[[], object]] = {
    "law.policy_unknown": lambda: load_policy("nowhere-2030"),
    "law.rule_unknown": lambda: POLICY.rule("99.9"),
    "law.article_unknown": lambda: POLICY.article("99"),
    "law.facts_invalid": lambda: parse_facts(POLICY.rule("2.2"), {"spend": -1}),
    "law.choice_malformed": lambda: scenario_from_options(POLICY, ["0.2.cap"]),
    "law.option_unknown": lambda: scenario_from_options(POLICY, ["0.2.cap=never"]),
    "law.headings_missing": lambda: parse_submission(POLICY.rule("2.2"), b"a,b\n1,2\n", "facts.csv"),
    "law.not_in_force": lambda: allot_budget(POLICY, POLICY.allotments[0], {}, on=LATE, as_known=LATE),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_of_the_law_has_its_code_and_its_words(code: str) -> None:
    with pytest.raises(LawError) as refusal:
        REFUSED[code]()
    assert isinstance(refusal.value, HuisuanError)
    assert refusal.value.code == code
    assert str(refusal.value)
