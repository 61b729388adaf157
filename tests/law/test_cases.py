"""The worked cases of every policy, as a lawyer wrote them: facts, answer, amount in yuan, reasons."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from huisuan.law.explain import explain, read_facts
from huisuan.law.policy import list_policies, load_policy


class AsWritten(yaml.SafeLoader):
    """Numbers with a point stay text: an amount in yuan is never a float."""


AsWritten.add_constructor("tag:yaml.org,2002:float", lambda loader, node: loader.construct_scalar(node))


def fen(yuan: str) -> int:
    """1_000.50 or "1_000.50 元" -> 100050."""
    amount = Decimal(str(yuan).removesuffix("元").strip().replace("_", "")) * 100
    assert amount == int(amount)
    return int(amount)


def given(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return fen(value) if isinstance(value, str) and value.endswith("元") else value


def all_cases() -> list[Any]:
    found = []
    for name in list_policies():
        for path in sorted((load_policy(name).folder / "cases").glob("*.yaml")):
            for case in yaml.load(path.read_text(encoding="utf-8"), Loader=AsWritten):
                found.append(pytest.param(name, path, case, id=f"{path.stem} {case['case']}"))
    return found


@pytest.mark.parametrize(("name", "path", "case"), all_cases())
def test_case(name: str, path: Path, case: dict[str, Any]) -> None:
    policy = load_policy(name)
    rule = policy.rule(path.stem)
    facts = read_facts(rule, {key: given(value) for key, value in case["facts"].items()})
    answer = explain(policy, rule, facts, on=case.get("day", date(2024, 12, 31)), as_known=date(2025, 12, 31))
    assert answer.status == case["answer"]
    assert answer.amount_fen == (fen(case["amount"]) if "amount" in case else None)
    assert [reason.code for reason in answer.reasons] == case.get("reasons", [])


def test_every_rule_has_cases() -> None:
    for name in list_policies():
        policy = load_policy(name)
        told = {path.stem for path in (policy.folder / "cases").glob("*.yaml")}
        assert told == {rule.sentence for rule in policy.rules}
