"""Exact arithmetic on 64-bit integers, written once for every engine.

A number is a numerator over a denominator, both integers; the denominator is known when the rule is compiled
except where a declared share brings its own. Along with each number goes the largest value that its numerator
can take for the declared maxima of the facts: a rule that could pass 2^63 - 1 anywhere is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Any, Generic, Protocol, TypeVar

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.days import MAX_ELAPSED, is_date
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.terms import Terms
from huisuan.law.model.values import INT64_MAX, MAX_SHARE_DENOMINATOR, ValueKind

_T = TypeVar("_T")


class Backend(Protocol[_T]):
    """The operations that an engine provides, all on integers that are not negative."""

    def fact(self, spec: FactSpec) -> _T:
        """The fact's column."""

    def share_parts(self, spec: FactSpec) -> tuple[_T, _T]:
        """Numerator and denominator of a share's column."""

    def const(self, value: int | bool | date | str) -> _T:
        """A literal."""

    def add(self, left: _T, right: _T) -> _T:
        """Sum."""

    def subtract(self, left: _T, right: _T) -> _T:
        """Difference, never below zero."""

    def multiply(self, left: _T, right: _T) -> _T:
        """Product."""

    def lookup(self, key: _T, numbers: Mapping[str, int], options: tuple[str, ...]) -> _T:
        """The number that belongs to the key, 0 where none does; missing where the key is.

        `options`: all that the key can be, where that is known.
        """

    def minimum(self, left: _T, right: _T) -> _T:
        """The smaller; missing if one is."""

    def floor_divide(self, left: _T, right: _T) -> _T:
        """Whole quotient, downwards."""

    def shift_day(self, day: _T, months: int, days: int, *, late: bool) -> _T:
        """The day so much later: see `days.shift_day`."""

    def days_between(self, later: _T, earlier: _T) -> _T:
        """Days, never below zero."""

    def compare(self, op: str, left: _T, right: _T) -> _T:
        """Comparison."""

    def is_member(self, value: _T, members: tuple[str, ...], options: tuple[str, ...]) -> _T:
        """Membership; `options`: all that the value can be, where that is known."""

    def all_of(self, terms: tuple[_T, ...]) -> _T:
        """And."""

    def any_of(self, terms: tuple[_T, ...]) -> _T:
        """Or."""

    def negate(self, term: _T) -> _T:
        """Not."""

    def choose(self, condition: _T, then: _T, otherwise: _T) -> _T:
        """Then or otherwise; missing where the condition is."""


@dataclass(frozen=True)
class Exact(Generic[_T]):
    """numerator / denominator; `high` and `den_high` are their largest values; `den` is None where it is a constant."""

    num: _T
    high: int
    den: _T | None
    den_high: int


class Arithmetic(Generic[_T]):
    """Turns nodes into an engine's expressions."""

    def __init__(self, engine: Backend[_T], terms: Terms, place: str) -> None:
        self.backend, self.terms, self.place = engine, terms, place

    def condition(self, node: Node) -> _T:  # noqa: PLR0911
        """A condition."""
        engine = self.backend
        match node:
            case nodes.Cited():
                return self.condition(node.node)
            case nodes.Interpreted():
                return self.condition(self.branch(node))
            case nodes.Compare():
                return self._compare(node)
            case nodes.Among():
                return engine.is_member(self._scalar(node.value), self._members(node.members), _options(node.value))
            case nodes.All():
                return engine.all_of(tuple(self.condition(term) for term in node.terms))
            case nodes.AnyOf():
                return engine.any_of(tuple(self.condition(term) for term in node.terms))
            case nodes.Not():
                return engine.negate(self.condition(node.term))
            case nodes.When():
                return engine.choose(
                    self.condition(node.condition), self.condition(node.then), self.condition(node.otherwise)
                )
        return self._scalar(node)

    def branch(self, node: nodes.Interpreted) -> Node:
        """The branch of the option chosen."""
        return node.branches[self.terms.options[node.spec.name]]

    def number(self, node: Node) -> Exact[_T]:  # noqa: PLR0911, PLR0912
        """A number, exact."""
        match node:
            case nodes.Cited():
                return self.number(node.node)
            case nodes.Interpreted():
                return self.number(self.branch(node))
            case nodes.Fact():
                return self._fact(node.spec)
            case nodes.Const() | nodes.Setting():
                return self._constant(node)
            case nodes.Lookup():
                return self._lookup(node)
            case nodes.Sum():
                total = self.number(node.terms[0])
                for term in node.terms[1:]:
                    total = self._add(total, self.number(term))
                return total
            case nodes.Minus():
                left, right, den, den_high = self._common_denominator(
                    self.number(node.minuend), self.number(node.subtrahend)
                )
                return self._checked(self.backend.subtract(left[0], right[0]), left[1], den, den_high)
            case nodes.Times():
                return self._multiply(self.number(node.left), self.number(node.right))
            case nodes.Cap():
                left, right, den, den_high = self._common_denominator(self.number(node.amount), self.number(node.limit))
                return self._checked(self.backend.minimum(left[0], right[0]), min(left[1], right[1]), den, den_high)
            case nodes.Total():
                return self.number(node.of)
            case Elapsed():
                between = self.backend.days_between(self._scalar(node.later), self._scalar(node.earlier))
                return self._checked(between, MAX_ELAPSED, None, 1)
            case nodes.Rounded():
                return self._round(self.number(node.amount), node)
            case nodes.When():
                return self._choose(node)
        raise LawError(f"{self.place}：{type(node).__name__} 不是数", code="law.not_a_number")

    def _choose(self, node: nodes.When) -> Exact[_T]:
        condition = self.condition(node.condition)
        left, right, den, den_high = self._common_denominator(self.number(node.then), self.number(node.otherwise))
        chosen = self.backend.choose(condition, left[0], right[0])
        return self._checked(chosen, max(left[1], right[1]), den, den_high)

    def whole_number(self, node: Node) -> _T:
        """A number that its own rounding made whole."""
        return self.number(node).num

    def _checked(self, num: _T, high: int, den: _T | None, den_high: int) -> Exact[_T]:
        if high > INT64_MAX or den_high > INT64_MAX:
            raise LawError(
                f"{self.place}：按申报上限，中间结果可达 {high}，超出 64 位整数；请降低事实的 maximum 或参数的分母",
                code="law.overflow_possible",
            )
        return Exact(num, high, den, den_high)

    def _fact(self, spec: FactSpec) -> Exact[_T]:
        if spec.kind == ValueKind.SHARE:
            num, den = self.backend.share_parts(spec)
            return Exact(num, MAX_SHARE_DENOMINATOR, den, MAX_SHARE_DENOMINATOR)
        if spec.maximum is None:
            raise LawError(f"{self.place}：事实 {spec.name} 没有 maximum", code="law.maximum_missing")
        return self._checked(self.backend.fact(spec), spec.maximum, None, 1)

    def _constant(self, node: nodes.Const | nodes.Setting) -> Exact[_T]:
        raw: Any = node.value if isinstance(node, nodes.Const) else self.terms.settings[node.spec.name]
        value = Fraction(raw)
        return self._checked(self.backend.const(value.numerator), value.numerator, None, value.denominator)

    def _lookup(self, node: nodes.Lookup) -> Exact[_T]:
        """All shares of the setting over one denominator."""
        shares: Mapping[str, Fraction] = self.terms.settings[node.spec.name]
        shared = lcm(*(share.denominator for share in shares.values()))
        numbers = {key: share.numerator * (shared // share.denominator) for key, share in sorted(shares.items())}
        num = self.backend.lookup(self._scalar(node.region), numbers, _options(node.region))
        return self._checked(num, max(numbers.values(), default=0), None, shared)

    def _common_denominator(
        self, left: Exact[_T], right: Exact[_T]
    ) -> tuple[tuple[_T, int], tuple[_T, int], _T | None, int]:
        """Both numerators over one denominator."""
        if left.den is None and right.den is None:
            shared = lcm(left.den_high, right.den_high)
            return self._scale(left, shared), self._scale(right, shared), None, shared
        left_den, right_den = self._denominator(left), self._denominator(right)
        first = self._checked(self.backend.multiply(left.num, right_den), left.high * right.den_high, None, 1)
        second = self._checked(self.backend.multiply(right.num, left_den), right.high * left.den_high, None, 1)
        both = self.backend.multiply(left_den, right_den)
        return (first.num, first.high), (second.num, second.high), both, left.den_high * right.den_high

    def _scale(self, number: Exact[_T], denominator: int) -> tuple[_T, int]:
        factor = denominator // number.den_high
        if factor == 1:
            return number.num, number.high
        scaled = self.backend.multiply(number.num, self.backend.const(factor))
        return self._checked(scaled, number.high * factor, None, denominator).num, number.high * factor

    def _denominator(self, number: Exact[_T]) -> _T:
        return self.backend.const(number.den_high) if number.den is None else number.den

    def _add(self, left: Exact[_T], right: Exact[_T]) -> Exact[_T]:
        first, second, den, den_high = self._common_denominator(left, right)
        return self._checked(self.backend.add(first[0], second[0]), first[1] + second[1], den, den_high)

    def _multiply(self, left: Exact[_T], right: Exact[_T]) -> Exact[_T]:
        num = self.backend.multiply(left.num, right.num)
        if left.den is None and right.den is None:
            return self._checked(num, left.high * right.high, None, left.den_high * right.den_high)
        den = self.backend.multiply(self._denominator(left), self._denominator(right))
        return self._checked(num, left.high * right.high, den, left.den_high * right.den_high)

    def _round(self, number: Exact[_T], node: nodes.Rounded) -> Exact[_T]:
        to = node.to
        if number.den is None and number.den_high * to == 1:
            return number
        divisor = self.backend.const(number.den_high * to) if number.den is None else self._denominator(number)
        if number.den is not None and to != 1:
            divisor = self.backend.multiply(divisor, self.backend.const(to))
        if node.half_up:  # floor(x + 1/2), over twice the denominator
            twice = self.backend.const(2)
            doubled = self.backend.add(self.backend.multiply(number.num, twice), divisor)
            self._checked(doubled, 2 * number.high + number.den_high * to, None, 2 * number.den_high * to)
            whole = self.backend.floor_divide(doubled, self.backend.multiply(divisor, twice))
        else:
            whole = self.backend.floor_divide(number.num, divisor)
        if to != 1:
            whole = self.backend.multiply(whole, self.backend.const(to))
        return self._checked(whole, number.high + (to if node.half_up else 0), None, 1)

    def _compare(self, node: nodes.Compare) -> _T:
        if is_date(node.left):
            return self.backend.compare(node.op, self._scalar(node.left), self._scalar(node.right))
        left, right, _, _ = self._common_denominator(self.number(node.left), self.number(node.right))
        return self.backend.compare(node.op, left[0], right[0])

    def _scalar(self, node: Node) -> _T:
        match node:
            case nodes.Cited():
                return self._scalar(node.node)
            case nodes.Fact():
                return self.backend.fact(node.spec)
            case nodes.Interpreted():
                return self._scalar(self.branch(node))
            case Shift():
                return self.backend.shift_day(self._scalar(node.day), node.months, node.days, late=node.late)
            case nodes.Const() if not isinstance(node.value, (tuple, Fraction)):
                return self.backend.const(node.value)
        raise LawError(f"{self.place}：{type(node).__name__} 不能这样用", code="law.not_a_scalar")

    def _members(self, node: Node) -> tuple[str, ...]:
        value = self.terms.settings[node.spec.name] if isinstance(node, nodes.Setting) else getattr(node, "value", ())
        return tuple(str(member) for member in value)


def _options(node: Node) -> tuple[str, ...]:
    """All that a choice can be; empty where that is not known."""
    while isinstance(node, nodes.Cited):
        node = node.node
    return tuple(node.spec.options or ()) if isinstance(node, nodes.Fact) else ()
