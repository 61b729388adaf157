"""The parts of a period in which something that a rule reads is not set, and whether it can be answered without them.

A rate that is repealed in July says nothing of what was used before: that is owed by the rate that held. The parts
after it are left out of the amount, and the answer names what is not set in them. This is right only where a part can
but add to what is owed; where one could take away from it, or decide a condition, nothing is answered. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import InterpretationSpec, Node, SettingSpec
from huisuan.law.model.rules import Rule


def open_parts(
    rule: Rule, starts: Sequence[date], unset: Iterable[SettingSpec | InterpretationSpec]
) -> frozenset[date] | None:
    """The first days of the parts to leave out; None where the rule cannot be answered without what is unset.

    `rule`: before it is cut into parts; `unset` as the names of the cut rule have it ("2.2.rate@2024-07-01").
    """
    by_suffix = {f"@{first}": first for first in starts}
    found: set[date] = set()
    for spec in unset:
        first = by_suffix.get(spec.name[-len("@2024-07-01") :])
        if first is None:
            return None
        found.add(first)
    decides = [condition.node for condition in rule.conditions] + ([rule.priority] if rule.priority else [])
    if len(found) == len(starts) or rule.amount is None or any(map(_counts_by_day, decides)):
        return None
    return frozenset(found) if _only_adds(rule.amount) else None


def _counts_by_day(node: Node) -> bool:
    return any(isinstance(part, nodes.ByDay) for part in nodes.walk(node))


def _only_adds(node: Node) -> bool:
    """Whether what counts by the days of use stands only where more of it never means less in all."""
    if isinstance(node, nodes.ByDay) or not _counts_by_day(node):
        return True
    match node:
        case nodes.Cited(node=below) | nodes.Rounded(amount=below):
            return _only_adds(below)
        case nodes.Cap() | nodes.Sum() | nodes.Times():  # of amounts, none of which is below zero
            return all(map(_only_adds, nodes.children(node)))
        case nodes.When(condition=condition, then=then, otherwise=otherwise):
            return not _counts_by_day(condition) and _only_adds(then) and _only_adds(otherwise)
        case nodes.Interpreted(branches=branches):
            return all(map(_only_adds, branches.values()))
    return False
