"""Two phrases for two branches: the explanation cites the phrase of the branch that was taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from huisuan.law.explain.explanation import explain
from huisuan.law.policy.load import load_folder

DAY, KNOWN = date(2024, 12, 31), date(2025, 6, 30)
ONE = """    fifth = (legal_share("20%", "6.2", AWARD) * counted)"""
TWO = """    from huisuan.law import when
    part = legal_share("20%", "6.2", AWARD) * counted
    here = part.cites("6.2", "给予总投资额20%", "在省会", "In the capital")
    there = part.cites("6.2", "对评选优秀的案例", "在其他市", "Elsewhere")
    fifth = when(case.city.among("340100"), here, there)"""


@pytest.mark.parametrize(
    ("city", "phrase", "other"),
    [("340100", "给予总投资额20%", "对评选优秀的案例"), ("340200", "对评选优秀的案例", "给予总投资额20%")],
)
def test_the_branch_that_was_taken_is_cited_by_its_own_phrase(
    changed: Callable[[str, str, str], Path], city: str, phrase: str, other: str
) -> None:
    policy = load_folder(changed("a06_scenarios.py", ONE, TWO))
    rule = policy.rule("6.2")
    facts = {"among_ten": True, "investment": 100_000, "city": city}
    answer = explain(policy, rule, facts, on=DAY, as_known=KNOWN)
    cited = [step.phrase for step in answer.steps if step.kind == "figure"]
    assert answer.amount_fen == 20_000
    assert phrase in cited
    assert other not in cited
    assert {phrase, other} <= {words for _, words in rule.citations()}
