"""The first reading: the value of a tree for one set of facts, and the steps that led there.

Missing is None. A condition with a missing part may still be decided (Kleene): what cannot change the answer
is not asked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.days import shift_day
from huisuan.law.model.expressions import Node
from huisuan.law.model.terms import Terms

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt, "=": operator.eq,
}  # fmt: skip

Result = Any  # a Value, a tuple of region codes, or None for missing


@dataclass(frozen=True)
class CitedValue:
    """A cited node and the value it had."""

    cited: nodes.Cited
    value: Result
    uncapped: Result = None
    limit: Result = None


@dataclass
class Evaluation:
    """One walk over one tree."""

    facts: Mapping[str, Any]
    terms: Terms
    cited: list[CitedValue] = field(default_factory=list)
    missing: dict[str, nodes.FactSpec] = field(default_factory=dict)

    def evaluate(self, node: Node) -> Result:
        """The value of a node, or None where it is missing."""
        return _EVALUATORS[type(node)](self, node)

    def _fact(self, node: nodes.Fact) -> Result:
        value = self.facts.get(node.spec.name)
        if value is None:
            self.missing[node.spec.name] = node.spec
        return value

    def _const(self, node: nodes.Const) -> Result:
        return node.value

    def _setting(self, node: nodes.Setting) -> Result:
        return self.terms.settings[node.spec.name]

    def _lookup(self, node: nodes.Lookup) -> Result:
        region = self.evaluate(node.region)
        return None if region is None else self.terms.settings[node.spec.name].get(region, Fraction(0))

    def _sum(self, node: nodes.Sum) -> Result:
        terms = [self.evaluate(term) for term in node.terms]
        return None if None in terms else sum(terms)

    def _less(self, node: nodes.Minus) -> Result:
        whole, part = self.evaluate(node.minuend), self.evaluate(node.subtrahend)
        return None if whole is None or part is None else max(whole - part, 0)

    def _times(self, node: nodes.Times) -> Result:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        return None if left is None or right is None else left * right

    def _cap(self, node: nodes.Cap) -> Result:
        amount, limit = self.evaluate(node.amount), self.evaluate(node.limit)
        return None if amount is None or limit is None else min(amount, limit)

    def _rounded(self, node: nodes.Rounded) -> Result:
        amount = self.evaluate(node.amount)
        return None if amount is None else node.apply(amount)

    def _total(self, node: nodes.Total) -> Result:
        return self.evaluate(node.of)

    def _shift(self, node: Shift) -> Result:
        day = self.evaluate(node.day)
        return None if day is None else shift_day(day, node.months, node.days, late=node.late)

    def _elapsed(self, node: Elapsed) -> Result:
        later, earlier = self.evaluate(node.later), self.evaluate(node.earlier)
        return None if later is None or earlier is None else max((later - earlier).days, 0)

    def _compare(self, node: nodes.Compare) -> Result:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        return None if left is None or right is None else COMPARISONS[node.op](left, right)

    def _among(self, node: nodes.Among) -> Result:
        value, members = self.evaluate(node.value), self.evaluate(node.members)
        return None if value is None else value in members

    def _all(self, node: nodes.All) -> Result:
        terms = [self.evaluate(term) for term in node.terms]
        return False if False in terms else None if None in terms else True

    def _any(self, node: nodes.AnyOf) -> Result:
        terms = [self.evaluate(term) for term in node.terms]
        return True if True in terms else None if None in terms else False

    def _not(self, node: nodes.Not) -> Result:
        term = self.evaluate(node.term)
        return None if term is None else not term

    def _when(self, node: nodes.When) -> Result:
        condition = self.evaluate(node.condition)
        return None if condition is None else self.evaluate(node.then if condition else node.otherwise)

    def _interpreted(self, node: nodes.Interpreted) -> Result:
        return self.evaluate(node.branches[self.terms.options[node.spec.name]])

    def _cited(self, node: nodes.Cited) -> Result:
        capped = node.node
        if isinstance(capped, nodes.Cap):
            uncapped, limit = self.evaluate(capped.amount), self.evaluate(capped.limit)
            value = None if uncapped is None or limit is None else min(uncapped, limit)
            self.cited.append(CitedValue(node, value, uncapped, limit))
            return value
        value = self.evaluate(capped)
        self.cited.append(CitedValue(node, value))
        return value


_EVALUATORS: dict[type, Callable[[Evaluation, Any], Result]] = {
    nodes.Fact: Evaluation._fact, nodes.Const: Evaluation._const, nodes.Setting: Evaluation._setting,
    nodes.Lookup: Evaluation._lookup, nodes.Sum: Evaluation._sum, nodes.Minus: Evaluation._less,
    nodes.Times: Evaluation._times, nodes.Cap: Evaluation._cap, nodes.Rounded: Evaluation._rounded,
    nodes.Total: Evaluation._total, Shift: Evaluation._shift, Elapsed: Evaluation._elapsed,
    nodes.Compare: Evaluation._compare,
    nodes.Among: Evaluation._among, nodes.All: Evaluation._all, nodes.AnyOf: Evaluation._any,
    nodes.Not: Evaluation._not, nodes.When: Evaluation._when, nodes.Interpreted: Evaluation._interpreted,
    nodes.Cited: Evaluation._cited,
}  # fmt: skip
