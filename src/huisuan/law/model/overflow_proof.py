"""The proof that a rule stays within 64 bits, whatever is declared within the maxima of its facts. Pure."""

from __future__ import annotations

from typing import Any

from huisuan.law.model.exact_arithmetic import Arithmetic
from huisuan.law.model.rules import Rule
from huisuan.law.model.terms import Terms


class _NoBackend:
    """A backend without results, for the proof of bounds alone."""

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: (None, None)) if name == "share_parts" else (lambda *_, **__: None)


def prove_no_overflow(rule: Rule, terms: Terms) -> None:
    """Show that no intermediate result of the rule can leave 64 bits.

    Raises:
        LawError: naming the sentence and the size it could reach.
    """
    arithmetic: Arithmetic[None] = Arithmetic(_NoBackend(), terms, f"第 {rule.key} 句")
    for condition in rule.conditions:
        arithmetic.condition(condition.node)
    if rule.amount is not None:
        arithmetic.number(rule.amount)
    if rule.priority is not None:
        arithmetic.condition(rule.priority)
