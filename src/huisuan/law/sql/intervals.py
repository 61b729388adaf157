"""What a rule's trees can still come to while cells are missing, in SQL: the same reasoning as `explain.intervals`.

Every number is monotone in each of its parts, so its two ends are the same arithmetic over the ends of the missing
facts; what is subtracted changes ends. A truth is NULL while both are possible. Where nothing is missing both ends
meet, and everything here says what the plain arithmetic says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from sqlglot import exp

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed
from huisuan.law.model.days import MAX_ELAPSED, is_date
from huisuan.law.model.exact_arithmetic import Arithmetic, Exact
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.ranges import Range, fact_span, is_single
from huisuan.law.model.terms import Terms
from huisuan.law.model.values import ValueKind
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import GUARD, numerator
from huisuan.law.sql.sql_arithmetic import SqlBackend, SqlExpr, case, column, not_

_T = TypeVar("_T")
Guard = tuple[SqlExpr, ...]  # what must be true for a fact to matter

_TRUTHS = (nodes.Compare, nodes.Among, nodes.All, nodes.AnyOf, nodes.Not)


class SqlIntervals(Arithmetic[SqlExpr]):
    """One rule's trees over a table of checked cells: what is certain of them, and which facts still matter."""

    def __init__(self, terms: Terms, place: str, dialect: Dialect) -> None:
        super().__init__(SqlBackend(dialect), terms, place)
        self._lows, self._highs = (
            _IntervalEnd(self, terms, place, dialect, highest=highest) for highest in (False, True)
        )
        self._lows.other, self._highs.other = self._highs, self._lows
        self._known: dict[tuple[str, int], tuple[Node, Any]] = {}  # the node is kept, so that its id stays its own

    def condition(self, node: Node) -> SqlExpr:
        """The truth of a condition; NULL while it can still turn out either way."""
        return self._memoized("truth", node, self._condition).copy()

    def whole_number(self, node: Node) -> SqlExpr:
        """A whole number that nothing missing can change any more; NULL while something can."""
        return case((not_(self.is_open(node).copy()), self.low(node).num.copy()))

    def low(self, node: Node) -> Exact[SqlExpr]:
        """The least that a number can still come to."""
        return self._memoized("low", node, self._lows.number)

    def high(self, node: Node) -> Exact[SqlExpr]:
        """The most that a number can still come to."""
        return self._memoized("high", node, self._highs.number)

    def is_open(self, node: Node) -> SqlExpr:
        """Whether more than one value is still possible; never NULL. The same expression each time: copy it."""
        return self._memoized("open", node, self._is_open)

    def _is_open(self, node: Node) -> SqlExpr:
        match node:
            case nodes.Cited():
                return self.is_open(node.node)
            case nodes.Interpreted():
                return self.is_open(self.branch(node))
            case nodes.Const() | nodes.Setting():
                return exp.false()
            case nodes.Fact():
                return exp.false() if is_single(fact_span(node.spec)) else self.is_missing(node.spec)
        if self._is_truth(node):
            return self.condition(node).is_(exp.null())
        return not_(self._compared("=", self.low(node), self.high(node)))

    def is_missing(self, spec: FactSpec) -> SqlExpr:
        """Whether the fact's cell is missing (or cannot be used)."""
        return column(numerator(spec.name) if spec.kind == ValueKind.SHARE else spec.name).is_(exp.null())

    def undecided_facts(self, node: Node, way: Guard = ()) -> Iterator[tuple[FactSpec, Guard]]:
        """The facts below a node, each with what must be true for it to be able to change the node's value."""
        if not nodes.facts_of(node):
            return
        match node:  # the first three are open just when what is below them is
            case nodes.Cited():
                yield from self.undecided_facts(node.node, way)
            case nodes.Interpreted():
                yield from self.undecided_facts(self.branch(node), way)
            case nodes.Not():
                yield from self.undecided_facts(node.term, way)
            case nodes.Fact():
                yield node.spec, (*way, self.is_open(node))
            case _:
                for part, when in self._deciding(node):
                    yield from self.undecided_facts(part, (*way, self.is_open(node), *when))

    def _deciding(self, node: Node) -> Iterator[tuple[Node, Guard]]:
        match node:
            case nodes.When():
                yield node.condition, ()
                yield node.then, (is_not_true(not_(self.condition(node.condition))),)
                yield node.otherwise, (is_not_true(self.condition(node.condition)),)
            case nodes.Cap():
                yield node.amount, (self._compared("<", self.low(node.amount), self.high(node.limit)),)
                yield node.limit, (self._compared("<", self.low(node.limit), self.high(node.amount)),)
            case _:
                yield from ((child, ()) for child in nodes.children(node))

    def _condition(self, node: Node) -> SqlExpr:
        match node:
            case nodes.Compare():
                return self._compare_intervals(node)
            case nodes.Among():
                return self._is_listed(node)
            case nodes.When():
                holds, then, otherwise = (
                    self.condition(branch) for branch in (node.condition, node.then, node.otherwise)
                )
                alike = exp.EQ(this=then.copy(), expression=otherwise.copy())
                either = (not_(holds.copy()), otherwise)
                return case((holds, then), either, (alike, then.copy()))
        return super().condition(node)

    def _compare_intervals(self, node: nodes.Compare) -> SqlExpr:
        if not nodes.facts_of(node):
            return super().condition(node)
        left, right = (self.low(node.left), self.high(node.left)), (self.low(node.right), self.high(node.right))
        match node.op:
            case "<=" | "<":
                may, must = self._compared(node.op, left[0], right[1]), self._compared(node.op, left[1], right[0])
            case ">=" | ">":
                may, must = self._compared(node.op, left[1], right[0]), self._compared(node.op, left[0], right[1])
            case _:
                within = (self._compared("<=", left[0], right[1]), self._compared("<=", right[0], left[1]))
                may = exp.and_(*within, copy=False)
                must = exp.and_(
                    self._compared("=", left[0], left[1]), self._compared("=", left[0], right[0]),
                    self._compared("=", left[0], right[1]), copy=False,
                )  # fmt: skip
        return case((must, exp.true()), (not_(may), exp.false()))

    def _is_listed(self, node: nodes.Among) -> SqlExpr:
        """Whether a choice is among some; a missing one is certain where every option is, or none."""
        found, members = super().condition(node), self._members(node.members)
        listed = {option in members for spec in nodes.facts_of(node.value) for option in spec.options or ()}
        if len(listed) != 1:
            return found
        return exp.Coalesce(this=found, expressions=[exp.true() if True in listed else exp.false()])

    def _compared(self, op: str, left: Exact[SqlExpr], right: Exact[SqlExpr]) -> SqlExpr:
        first, second, _, _ = self._common_denominator(left, right)
        return self.backend.compare(op, first[0].copy(), second[0].copy())

    def _is_truth(self, node: Node) -> bool:
        match node:
            case nodes.Cited():
                return self._is_truth(node.node)
            case nodes.Interpreted():
                return self._is_truth(self.branch(node))
            case nodes.When():
                return self._is_truth(node.then)
            case nodes.Fact():
                return node.spec.kind == ValueKind.BOOL
            case nodes.Const():
                return node.kind == ValueKind.BOOL
        return isinstance(node, _TRUTHS)

    def _memoized(self, what: str, node: Node, make: Callable[[Node], _T]) -> _T:
        if (what, id(node)) not in self._known:
            self._known[what, id(node)] = node, make(node)
        made: _T = self._known[what, id(node)][1]
        return made


class _IntervalEnd(Arithmetic[SqlExpr]):
    """One end of the numbers: the arithmetic where every missing fact is the least, or the most, that it can be."""

    other: _IntervalEnd

    def __init__(self, bounds: SqlIntervals, terms: Terms, place: str, dialect: Dialect, *, highest: bool) -> None:
        super().__init__(_EndBackend(dialect, highest=highest), terms, place)
        self._intervals, self._highest = bounds, highest

    def number(self, node: Node) -> Exact[SqlExpr]:
        """One end of a number, or of a day."""
        if is_date(node):
            return Exact(self._scalar(node), 0, None, 1)
        match node:
            case nodes.Minus():
                left, right, den, den_high = self._common_denominator(
                    self.number(node.minuend), self.other.number(node.subtrahend)
                )
                return self._checked(self.backend.subtract(left[0], right[0]), left[1], den, den_high)
            case nodes.When():
                return self._either(node)
            case Elapsed():
                between = self.backend.days_between(self._scalar(node.later), self.other._scalar(node.earlier))
                return self._checked(between, MAX_ELAPSED, None, 1)
        return super().number(node)

    def condition(self, node: Node) -> SqlExpr:
        """A condition is as certain as it is."""
        return self._intervals.condition(node)

    def _either(self, node: nodes.When) -> Exact[SqlExpr]:
        """The branch taken; while that is open, the end of both."""
        holds = self._intervals.condition(node.condition)
        then, otherwise, den, den_high = self._common_denominator(self.number(node.then), self.number(node.otherwise))
        pair = (then[0].copy(), otherwise[0].copy())
        end = case((self.backend.compare(">=" if self._highest else "<=", *pair), pair[0].copy()), otherwise=pair[1])
        chosen = case((holds, then[0].copy()), (not_(holds.copy()), otherwise[0].copy()), otherwise=end.copy())
        return self._checked(chosen, max(then[1], otherwise[1]), den, den_high)

    def _lookup(self, node: nodes.Lookup) -> Exact[SqlExpr]:
        found = super()._lookup(node)
        shares: Mapping[str, Fraction] = self.terms.settings[node.spec.name]
        spec = nodes.facts_of(node.region)[0]
        possible = [shares.get(option, Fraction(0)) for option in spec.options or ()] or [Fraction(0), *shares.values()]
        end = max(possible) if self._highest else min(possible)
        figure = self.backend.const(int(end * found.den_high))
        filled = exp.Coalesce(this=found.num.copy(), expressions=[figure])
        return Exact(filled, found.high, found.den, found.den_high)


class _EndBackend(SqlBackend):
    """Fills a missing fact with an end of what may be declared."""

    def __init__(self, dialect: Dialect, *, highest: bool) -> None:
        super().__init__(dialect)
        self._highest = highest

    def fact(self, spec: FactSpec) -> SqlExpr:
        """The fact's column, or an end of its range."""
        span = fact_span(spec)
        found = super().fact(spec)
        if not isinstance(span, Range):
            return found
        end = span.high if self._highest else span.low
        return exp.Coalesce(this=found, expressions=[self.const(end)])

    def share_parts(self, spec: FactSpec) -> tuple[SqlExpr, SqlExpr]:
        """All or nothing; of a cell such as 101% only the numerator is missing."""
        above, below = super().share_parts(spec)
        filled = exp.Coalesce(this=above, expressions=[self.const(int(self._highest))])
        return filled, case((above.copy().is_(exp.null()), self.const(1)), otherwise=below)


def is_not_true(truth: SqlExpr) -> SqlExpr:
    """Whether a truth is not TRUE: FALSE or NULL. Never NULL."""
    return not_(exp.Coalesce(this=truth, expressions=[exp.false()]))


class GuardColumns:
    """The conditions under which facts matter: every one of them a column, computed once."""

    def __init__(self) -> None:
        self.columns: dict[SqlExpr, str] = {}

    def columns_of(self, way: Guard) -> Guard:
        """The way in columns."""
        names = (self.columns.setdefault(guard, f"{GUARD}{len(self.columns)}") for guard in dict.fromkeys(way))
        return tuple(map(column, names))
