"""A budget as JSON, and back: computed once, shown whenever somebody opens the same scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from huisuan.law.budget.model import Budget, ClaimChange, Fund, GroupChange, RuleBudget
from huisuan.law.model.answers import Status
from huisuan.law.policy.policy import Policy


def budget_to_json(budget: Budget) -> dict[str, Any]:
    """Everything but the policy; money as integer fen, a group of claims as its figures in order."""
    return {
        "on": budget.on.isoformat(),
        "as_known": budget.as_known.isoformat(),
        "rules": [_rule_to_json(rule) for rule in budget.rules],
        "without_facts": list(budget.without_facts),
        "allotted": {key: list(both) for key, both in budget.allotted.items()},
    }


def budget_from_json(policy: Policy, stored: Mapping[str, Any]) -> Budget:
    """The budget of a policy with the rules that it was computed with.

    Raises:
        LawError: the policy has no such rule.
    """
    return Budget(
        policy,
        date.fromisoformat(stored["on"]),
        date.fromisoformat(stored["as_known"]),
        tuple(_rule_from_json(policy, rule) for rule in stored["rules"]),
        tuple(stored["without_facts"]),
        {key: (old, new) for key, (old, new) in stored["allotted"].items()},
    )


def _rule_to_json(rule: RuleBudget) -> dict[str, Any]:
    return {
        "key": rule.rule.key,
        "changed": rule.changed,
        "total": _figures(rule.total),
        "cities": {name: _figures(change) for name, change in rule.cities.items()},
        "kinds": {name: _figures(change) for name, change in rule.kinds.items()},
        "statuses": {status.value: list(both) for status, both in rule.statuses.items()},
        "capped": list(rule.capped),
        "won": [list(asdict(claim).values()) for claim in rule.won],
        "lost": [list(asdict(claim).values()) for claim in rule.lost],
        "funds": [[fund.limit_fen, fund.demand_fen] for fund in rule.funds] if rule.funds else None,
    }


def _rule_from_json(policy: Policy, stored: Mapping[str, Any]) -> RuleBudget:
    before_after = [Fund(limit, demand) for limit, demand in stored["funds"]] if stored["funds"] else None
    return RuleBudget(
        policy.rule(stored["key"]),
        stored["changed"],
        GroupChange(*stored["total"]),
        {name: GroupChange(*figures) for name, figures in stored["cities"].items()},
        {name: GroupChange(*figures) for name, figures in stored["kinds"].items()},
        {Status(status): (old, new) for status, (old, new) in stored["statuses"].items()},
        (stored["capped"][0], stored["capped"][1]),
        tuple(ClaimChange(*claim) for claim in stored["won"]),
        tuple(ClaimChange(*claim) for claim in stored["lost"]),
        (before_after[0], before_after[1]) if before_after else None,
    )


def _figures(change: GroupChange) -> list[int]:
    return list(asdict(change).values())
