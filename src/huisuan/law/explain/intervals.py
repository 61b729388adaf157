"""What a tree can still come to while facts are missing: every missing fact ranges over all that may be declared.

A number or a day lies between two ends; a truth or a choice is one of a set. The result is never too narrow: whatever
the missing facts turn out to be, the value lies in it. Facts that are read twice are let range twice, so it may be
too wide; then a question is asked that need not have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Any

from huisuan.law.explain.evaluation import Evaluation
from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.days import shift_day
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.ranges import PossibleValues, Range, fact_span, is_single, single_value
from huisuan.law.model.terms import Terms


@dataclass(frozen=True)
class BindingCap:
    """A cap that binds in any case (fen); uncapped it would be at least so much, or just so much if `exact`."""

    cited: nodes.Cited
    limit: Any
    at_least: Any
    exact: bool = True


class IntervalEvaluation:
    """One rule's trees for the facts known so far (None is missing), under the day's settings and options."""

    def __init__(self, facts: Mapping[str, Any], terms: Terms) -> None:
        self.facts, self.terms = facts, terms
        self._known: dict[int, tuple[Node, PossibleValues]] = {}  # the node is kept, so that its id stays its own

    def span(self, node: Node) -> PossibleValues:
        """What the node can still come to."""
        if id(node) not in self._known:
            self._known[id(node)] = node, _EVALUATORS[type(node)](self, node)
        return self._known[id(node)][1]

    def undecided_facts(self, node: Node) -> Iterator[FactSpec]:
        """The missing facts that can still change the node's value, in the order of reading; some more than once."""
        if is_single(self.span(node)):
            return
        if isinstance(node, nodes.Fact):
            yield node.spec
            return
        for part in self._deciding(node):
            yield from self.undecided_facts(part)

    def binding_caps(self, node: Node) -> Iterator[BindingCap]:
        """The caps that bind whatever is missing, on the branches that are certain."""
        match node:
            case nodes.When():
                holds = self.span(node.condition)
                parts: Iterable[Node] = (_branch(node, holds),) if is_single(holds) else ()
            case nodes.Interpreted():
                parts = (self._chosen(node),)
            case _:
                parts = nodes.children(node)
        for part in parts:
            yield from self.binding_caps(part)
        if isinstance(node, nodes.Cited) and isinstance(node.node, nodes.Cap):
            amount, limit = self._range(node.node.amount), self._range(node.node.limit)
            if amount.low > limit.high:
                yield BindingCap(node, limit.high, amount.low, amount.low == amount.high)

    def _deciding(self, node: Node) -> Iterator[Node]:
        """The parts on which the value of a node that is not fixed can still depend."""
        match node:
            case nodes.When():
                holds = self.span(node.condition)
                yield from (
                    (node.condition, node.then, node.otherwise) if not is_single(holds) else (_branch(node, holds),)
                )
            case nodes.Interpreted():
                yield self._chosen(node)
            case nodes.Cap():
                amount, limit = self._range(node.amount), self._range(node.limit)
                if amount.low < limit.high:
                    yield node.amount
                if limit.low < amount.high:
                    yield node.limit
            case _:
                yield from nodes.children(node)

    def _chosen(self, node: nodes.Interpreted) -> Node:
        return node.branches[self.terms.options[node.spec.name]]

    def _range(self, node: Node) -> Range:
        span = self.span(node)
        assert isinstance(span, Range), f"{type(node).__name__} is no number"
        return span

    def _truths(self, node: Node) -> frozenset[bool]:
        span = self.span(node)
        assert isinstance(span, frozenset), f"{type(node).__name__} is no truth"
        return span

    def _fact(self, node: nodes.Fact) -> PossibleValues:
        value = self.facts.get(node.spec.name)
        return fact_span(node.spec) if value is None else _single(value)

    def _const(self, node: nodes.Const) -> PossibleValues:
        return _single(node.value)

    def _setting(self, node: nodes.Setting) -> PossibleValues:
        return _single(self.terms.settings[node.spec.name])

    def _lookup(self, node: nodes.Lookup) -> PossibleValues:
        rates: Mapping[str, Fraction] = self.terms.settings[node.spec.name]
        regions = self.span(node.region)
        if isinstance(regions, frozenset):
            found = [rates.get(region, Fraction(0)) for region in regions]
        else:
            found = [Fraction(0), *rates.values()]
        return Range(min(found), max(found))

    def _sum(self, node: nodes.Sum) -> PossibleValues:
        terms = [self._range(term) for term in node.terms]
        return Range(sum(term.low for term in terms), sum(term.high for term in terms))

    def _less(self, node: nodes.Minus) -> PossibleValues:
        whole, part = self._range(node.minuend), self._range(node.subtrahend)
        return Range(max(whole.low - part.high, 0), max(whole.high - part.low, 0))

    def _times(self, node: nodes.Times) -> PossibleValues:
        left, right = self._range(node.left), self._range(node.right)
        corners = [factor * other for factor, other in product((left.low, left.high), (right.low, right.high))]
        return Range(min(corners), max(corners))

    def _cap(self, node: nodes.Cap) -> PossibleValues:
        amount, limit = self._range(node.amount), self._range(node.limit)
        return Range(min(amount.low, limit.low), min(amount.high, limit.high))

    def _rounded(self, node: nodes.Rounded) -> PossibleValues:
        amount = self._range(node.amount)
        return Range(node.apply(amount.low), node.apply(amount.high))

    def _total(self, node: nodes.Total) -> PossibleValues:
        return self.span(node.of)

    def _shift(self, node: Shift) -> PossibleValues:
        day = self._range(node.day)
        return Range(*(shift_day(end, node.months, node.days, late=node.late) for end in (day.low, day.high)))

    def _elapsed(self, node: Elapsed) -> PossibleValues:
        later, earlier = self._range(node.later), self._range(node.earlier)
        return Range(max((later.low - earlier.high).days, 0), max((later.high - earlier.low).days, 0))

    def _compare(self, node: nodes.Compare) -> PossibleValues:
        left, right = self.span(node.left), self.span(node.right)
        if node.op == "=":
            return _possible_truths(_can_be_equal(left, right), not (is_single(left) and left == right))
        one, other = self._range(node.left), self._range(node.right)
        match node.op:
            case "<=":
                return _possible_truths(one.low <= other.high, one.high > other.low)
            case "<":
                return _possible_truths(one.low < other.high, one.high >= other.low)
            case ">=":
                return _possible_truths(one.high >= other.low, one.low < other.high)
        return _possible_truths(one.high > other.low, one.low <= other.high)

    def _among(self, node: nodes.Among) -> PossibleValues:
        values = self.span(node.value)
        if not isinstance(values, frozenset):
            return _possible_truths(True, True)
        listed = Evaluation({}, self.terms).evaluate(node.members)  # a list rests on no fact
        return frozenset(value in listed for value in values)

    def _all(self, node: nodes.All) -> PossibleValues:
        terms = [self._truths(term) for term in node.terms]
        return _possible_truths(all(True in term for term in terms), any(False in term for term in terms))

    def _any(self, node: nodes.AnyOf) -> PossibleValues:
        terms = [self._truths(term) for term in node.terms]
        return _possible_truths(any(True in term for term in terms), all(False in term for term in terms))

    def _not(self, node: nodes.Not) -> PossibleValues:
        return frozenset(not truth for truth in self._truths(node.term))

    def _when(self, node: nodes.When) -> PossibleValues:
        holds = self.span(node.condition)
        if is_single(holds):
            return self.span(_branch(node, holds))
        return _union(self.span(node.then), self.span(node.otherwise))

    def _interpreted(self, node: nodes.Interpreted) -> PossibleValues:
        return self.span(self._chosen(node))

    def _cited(self, node: nodes.Cited) -> PossibleValues:
        return self.span(node.node)


def _single(value: Any) -> PossibleValues:
    if isinstance(value, (bool, str)):
        return frozenset((value,))
    return Range(value, value) if isinstance(value, (int, Fraction, date)) else None


def _possible_truths(may_hold: bool, may_fail: bool) -> frozenset[bool]:
    return frozenset(truth for truth, possible in ((True, may_hold), (False, may_fail)) if possible)


def _branch(node: nodes.When, holds: PossibleValues) -> Node:
    return node.then if single_value(holds) else node.otherwise


def _union(one: PossibleValues, other: PossibleValues) -> PossibleValues:
    if isinstance(one, Range) and isinstance(other, Range):
        return Range(min(one.low, other.low), max(one.high, other.high))
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return one | other
    return None


def _can_be_equal(one: PossibleValues, other: PossibleValues) -> bool:
    """Whether both can have the same value."""
    if isinstance(one, Range) and isinstance(other, Range):
        return bool(one.low <= other.high and other.low <= one.high)
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return not one.isdisjoint(other)
    return True


_EVALUATORS: dict[type, Callable[[IntervalEvaluation, Any], PossibleValues]] = {
    nodes.Fact: IntervalEvaluation._fact,
    nodes.Const: IntervalEvaluation._const,
    nodes.Setting: IntervalEvaluation._setting,
    nodes.Lookup: IntervalEvaluation._lookup,
    nodes.Sum: IntervalEvaluation._sum,
    nodes.Minus: IntervalEvaluation._less,
    nodes.Times: IntervalEvaluation._times,
    nodes.Cap: IntervalEvaluation._cap,
    nodes.Rounded: IntervalEvaluation._rounded,
    nodes.Total: IntervalEvaluation._total,
    Shift: IntervalEvaluation._shift,
    Elapsed: IntervalEvaluation._elapsed,
    nodes.Compare: IntervalEvaluation._compare,
    nodes.Among: IntervalEvaluation._among,
    nodes.All: IntervalEvaluation._all,
    nodes.AnyOf: IntervalEvaluation._any,
    nodes.Not: IntervalEvaluation._not,
    nodes.When: IntervalEvaluation._when,
    nodes.Interpreted: IntervalEvaluation._interpreted,
    nodes.Cited: IntervalEvaluation._cited,
}
