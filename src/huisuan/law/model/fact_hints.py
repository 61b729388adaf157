"""What a rule's tree says about its facts: what they are compared with, capped by, subtracted from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind


def is_metered(rule: Rule) -> bool:
    """Whether the platform itself knows what the rule pays for, so that everybody has it without a claim."""
    spent = rule.claim.spent if rule.claim else ""
    return any(spec.name == spent and spec.known_by == "meter" for spec in rule.facts)


def smallest_cap(rule: Rule) -> int:
    """The smallest cap in fen that the rule names; 0 where it names none."""
    caps = (node.limit for node in _nodes_of(rule) if isinstance(node, nodes.Cap))
    found = [figure for limit in caps if isinstance(figure := constant_value(limit), int)]
    return min(found, default=0)


def count_summands(rule: Rule, spec: FactSpec) -> int:
    """The number of facts in the sum that this one is part of; 1 where it is part of none."""
    sums = (nodes.facts_of(node) for node in _nodes_of(rule) if isinstance(node, nodes.Sum))
    return max((sum(fact.kind == ValueKind.MONEY for fact in facts) for facts in sums if spec in facts), default=1)


def is_excluding(rule: Rule, spec: FactSpec) -> bool:
    """Whether the rule requires that the fact is false."""
    return any(_is_negated(condition.node, spec) for condition in rule.conditions)


def _is_negated(node: Node, spec: FactSpec, turned: bool = False) -> bool:
    """Whether the fact is below an odd number of negations."""
    if isinstance(node, nodes.Fact):
        return turned and node.spec == spec
    turned = turned is not isinstance(node, nodes.Not)
    return any(_is_negated(child, spec, turned) for child in nodes.children(node))


def compared_number(rule: Rule, spec: FactSpec) -> int:
    """The number of the law that the fact is compared with; 0 where it is with none."""
    figure = compared_figure(rule, spec)
    return figure if isinstance(figure, int) else 0


def compared_figure(rule: Rule, spec: FactSpec) -> Any:
    """The figure of the law that the fact is compared with, if it is."""
    for node in _nodes_of(rule):
        if isinstance(node, nodes.Compare) and nodes.facts_of(node.left) == (spec,):
            return constant_value(node.right)
    return None


def minuend_of(rule: Rule, spec: FactSpec) -> FactSpec | None:
    """The fact that this one is a part of, where the rule takes the one off the other."""
    for node in _nodes_of(rule):
        if isinstance(node, nodes.Minus) and nodes.facts_of(node.subtrahend) == (spec,):
            whole = nodes.facts_of(node.minuend)
            return whole[0] if len(whole) == 1 and whole != (spec,) else None
    return None


def constant_value(node: Node) -> Any:
    """The figure that the law names there; None where it is a setting or is computed."""
    while isinstance(node, nodes.Cited):
        node = node.node
    return node.value if isinstance(node, nodes.Const) else None


def _nodes_of(rule: Rule) -> Iterator[Node]:
    for root in rule.roots:
        yield from nodes.walk(root)
