"""Few rules in which every kind of rule, fact, setting, node and comparison of a policy occurs at least once.

What must hold of every rule is tried on these with many rows and on the others with few; `make agree` tries all.
"""

from __future__ import annotations

from huisuan.law.model import expressions as nodes
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy


def representative_rules(policy: Policy) -> list[Rule]:
    """A small cover, the same at every call: always the rule that adds the most kinds, of several the first."""
    kinds = {rule.key: _kinds(rule) for rule in policy.rules}
    uncovered = set().union(*kinds.values())
    chosen: list[Rule] = []
    while uncovered:
        best = max(policy.rules, key=lambda rule: len(kinds[rule.key] & uncovered))
        chosen.append(best)
        uncovered -= kinds[best.key]
    return sorted(chosen, key=policy.rules.index)


def _kinds(rule: Rule) -> set[tuple[str, str]]:
    found = {("rule", rule.kind.value), *(("fact", spec.kind.value) for spec in rule.facts)}
    for root in rule.roots:
        for node in nodes.walk(root):
            found.add(("node", type(node).__name__))
            if isinstance(node, (nodes.Setting, nodes.Lookup)):
                found.add(("setting", node.spec.kind.value))
            if isinstance(node, nodes.Compare):
                found.add(("comparison", node.op))
            if isinstance(node, nodes.Among):
                found.add(("members", type(node.members).__name__))
    return found
