"""A rule that sums, taken apart: what it asks of one claim, and what of a group of them. Pure.

The totals of a rule (`expressions.Total`) run over the claims of a `Grouping` in their turn. Each claim brings what it
adds to the amount of those before it, so that the sum does not depend on the order in which claims were entered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import FactSpec, Node, Total
from huisuan.law.model.rewriting import rewrite_tree
from huisuan.law.model.rules import Condition, Rule
from huisuan.law.model.values import ValueKind

UP_TO, IN_ALL = "up_to_", "in_all_"  # prefixes of a total's fact: with the claims before; with those of the whole group
_WHOLE_KINDS = (ValueKind.MONEY, ValueKind.INT)


def totals_of(rule: Rule) -> tuple[Total, ...]:
    """The totals of a rule, each once."""
    found: list[Total] = []
    for root in rule.roots:
        found += [node for node in nodes.walk(root) if isinstance(node, Total) and node not in found]
    return tuple(found)


def claim_rule(rule: Rule) -> Rule:
    """What a rule asks of one claim by itself: the conditions that no total decides; its amount is what it adds."""
    parts = tuple(total.of for total in totals_of(rule))
    return replace(
        rule,
        conditions=tuple(condition for condition in rule.conditions if not _has_total(condition.node)),
        amount=parts[0] if len(parts) == 1 else nodes.Sum(parts),
    )


def group_rule(rule: Rule) -> Rule:
    """What a rule asks of a group, with totals as its facts: the conditions on all of it, the amount up to a claim."""
    return replace(
        rule,
        facts=tuple(spec for total in totals_of(rule) for spec in group_facts(total)),
        conditions=tuple(_over_all(condition) for condition in rule.conditions if _has_total(condition.node)),
        amount=None if rule.amount is None else _with_facts(rule.amount, UP_TO),
        read_facts_by=(),
    )


def group_facts(total: Total) -> tuple[FactSpec, FactSpec]:
    """A total as facts of the group: up to a claim, and in all."""
    spec = total.spec
    return replace(spec, name=UP_TO + spec.name), replace(spec, name=IN_ALL + spec.name)


def facts_outside_totals(rule: Rule) -> Iterator[FactSpec]:
    """The facts that the amount, or a condition on a total, reads beside its totals."""
    amounts = () if rule.amount is None else (rule.amount,)
    for root in (*amounts, *(condition.node for condition in rule.conditions if _has_total(condition.node))):
        yield from (spec for spec in nodes.facts_of(_with_facts(root, "")) if spec.name not in _total_names(rule))


def is_whole(node: Node) -> bool:
    """Whether a number has no fractions: what is summed must be whole, so that every reading sums the same."""
    match node:
        case nodes.Rounded():
            return True
        case nodes.Fact(spec=spec) | nodes.Setting(spec=spec):
            return spec.kind in _WHOLE_KINDS
        case nodes.Const(kind=kind):
            return kind in _WHOLE_KINDS
        case nodes.When():
            return is_whole(node.then) and is_whole(node.otherwise)
        case nodes.Lookup():
            return False
    return all(is_whole(child) for child in nodes.children(node))


def _has_total(node: Node) -> bool:
    return any(isinstance(part, Total) for part in nodes.walk(node))


def _total_names(rule: Rule) -> set[str]:
    return {total.spec.name for total in totals_of(rule)}


def _over_all(condition: Condition) -> Condition:
    return replace(condition, node=_with_facts(condition.node, IN_ALL))


def _with_facts(root: Node, prefix: str) -> Node:
    """The tree with every total as a fact of the group."""

    def change(node: Node) -> Node:
        return nodes.Fact(replace(node.spec, name=prefix + node.spec.name)) if isinstance(node, Total) else node

    return rewrite_tree(root, change)
