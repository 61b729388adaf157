"""The operators that an article is written with.

    class ComputeUse(Facts):
        spend = money("算力总支出", ...)

    @article.pays("2.2", "给予不超过算力总支出20%的补助", to="算力使用方")
    def compute_subsidy(use: ComputeUse) -> Money:
        use.in_anhui.required("2.2", "在皖企业、高校院所等算力使用方")
        eligible = use.spend.less(use.self_use).cites("2.2", "（自建自用除外）", zh="可补助支出", en="Eligible spend")
        return (rate * eligible).rounded_down("fen")

The function runs once, when the policy is loaded, on operands instead of values; what it returns is the tree
that all readings share. Python's `if`, `and` and `not` cannot look at an operand: they raise at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import NoReturn, Self, TypeVar

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Elapsed, Shift
from huisuan.law.model.days import MAX_SHIFT_DAYS, MAX_SHIFT_MONTHS
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Const, FactSpec, Node
from huisuan.law.model.rules import Condition
from huisuan.law.model.values import ValueKind, parse_chinese_money

_conditions: ContextVar[list[Condition] | None] = ContextVar("conditions", default=None)


@contextmanager
def collecting_conditions() -> Iterator[list[Condition]]:
    """While this is open, `required` notes its condition in the list given."""
    written: list[Condition] = []
    token = _conditions.set(written)
    try:
        yield written
    finally:
        _conditions.reset(token)


class Operand:
    """A node while an article is being written."""

    kind: ValueKind = ValueKind.TEXT

    def __init__(self, node: Node, name: str = "") -> None:
        self.node = node
        self.name = name

    def __set_name__(self, owner: type, name: str) -> None:
        if isinstance(self.node, nodes.Fact):
            spec = self.node.spec
            about = spec.about or getattr(owner, "about", "") or owner.__name__
            self.node = nodes.Fact(replace(spec, name=name, about=about))

    def __bool__(self) -> NoReturn:
        raise LawError(
            "条款里不能用 if、and、or、not 判断事实，也不能用 max()、min()、sorted() 或 a < b < c："
            "条件请用 all_of、any_of、opposite，分情形用 when，取小用 capped",
            code="law.operand_as_truth",
        )

    def cites(self, sentence: str, phrase: str, zh: str = "", en: str = "") -> Self:
        """The same, grounded in a phrase of a sentence; named figures become lines of the explanation."""
        return type(self)(nodes.Cited(self.node, sentence, phrase, self.kind, zh, en))


class Bool(Operand):
    """Something that holds or does not."""

    kind = ValueKind.BOOL

    def required(self, sentence: str, phrase: str, zh: str = "", en: str = "", name: str = "") -> None:
        """This must hold, says the phrase. Words and name default to those of the fact it rests on.

        Raises:
            LawError: outside a rule.
        """
        written = _conditions.get()
        if written is None:
            raise LawError(f"required 只能写在条款的函数里（{sentence} {phrase}）", code="law.condition_outside_rule")
        facts = nodes.facts_of(self.node)
        if not facts:
            raise LawError(f"条件不依赖任何事实（{sentence} {phrase}）", code="law.condition_without_fact")
        first = facts[0]
        condition = Condition(name or first.name, self.node, sentence, phrase, zh or first.zh, en or first.en)
        if any(other.name == condition.name for other in written):
            raise LawError(f"两个条件同名 {condition.name}：请给其中一个 name=", code="law.condition_twice")
        written.append(condition)


class Number(Operand):
    """Something that can be counted."""

    def __le__(self, other: Self) -> Bool:
        return Bool(nodes.Compare("<=", self.node, other.node))

    def __lt__(self, other: Self) -> Bool:
        return Bool(nodes.Compare("<", self.node, other.node))

    def __ge__(self, other: Self) -> Bool:
        return Bool(nodes.Compare(">=", self.node, other.node))

    def __gt__(self, other: Self) -> Bool:
        return Bool(nodes.Compare(">", self.node, other.node))

    def __add__(self, other: Self) -> Self:
        return type(self)(nodes.Sum((self.node, other.node)))

    def less(self, part: Self) -> Self:
        """This less a part of it, never below zero."""
        return type(self)(nodes.Minus(self.node, part.node))

    def summed(self, zh: str, en: str, *, maximum: str | int) -> Self:
        """This over all claims that the rule's `over` names; a number of fen or a count, at most `maximum` in all."""
        first = nodes.facts_of(self.node)[0]
        most = parse_chinese_money(maximum) if isinstance(maximum, str) else maximum
        spec = FactSpec(f"{first.name}_total", self.kind, zh, en, first.asked_by, first.unit, maximum=most)
        return type(self)(nodes.Total(self.node, spec))


class Money(Number):
    """An amount in fen; exact, possibly with a fraction until it is rounded."""

    kind = ValueKind.MONEY

    def capped(self, limit: Money, sentence: str, phrase: str, zh: str = "上限", en: str = "Cap") -> Money:
        """This, but at most the limit that the phrase names."""
        return Money(nodes.Cited(nodes.Cap(self.node, limit.node), sentence, phrase, ValueKind.MONEY, zh, en))

    def by_day_of_use(self, sentence: str, phrase: str) -> Money:
        """This by the days of use, says the phrase: where a setting changes within a period, each part by its own.

        What comes after (a cap, the rounding) belongs to the period as a whole.

        Raises:
            LawError: it is capped or rounded already, or rests on no fact.
        """
        if any(isinstance(node, (nodes.Cap, nodes.Rounded, nodes.ByDay)) for node in nodes.walk(self.node)):
            raise LawError(f"{sentence}：by_day_of_use 要写在封顶与取整之前", code="law.by_day_after_cap")
        if not nodes.facts_of(self.node):
            raise LawError(f"{sentence}：by_day_of_use 之内没有事实", code="law.by_day_without_fact")
        return Money(nodes.ByDay(self.node, sentence, phrase))

    def rounded_down(self, to: str) -> Money:
        """This as a whole number of "fen", "yuan" or "wan" (ten thousand yuan), downwards: the one rounding of a rule.

        Raises:
            LawError: another unit.
        """
        return Money(nodes.Rounded(self.node, _rounding_unit(to)))

    def rounded_half_up(self, to: str) -> Money:
        """This to the nearest whole number of "fen", "yuan" or "wan", halves up: the one rounding of a rule.

        Raises:
            LawError: another unit.
        """
        return Money(nodes.Rounded(self.node, _rounding_unit(to), half_up=True))


def _rounding_unit(name: str) -> int:
    if name not in nodes.ROUNDING_UNITS:
        known = "、".join(nodes.ROUNDING_UNITS)
        raise LawError(f"取整的单位只能是 {known}，不是“{name}”", code="law.rounding_unit_unknown")
    return nodes.ROUNDING_UNITS[name]


class Int(Number):
    """A count."""

    kind = ValueKind.INT

    def __mul__(self, other: Money) -> Money:
        return Money(nodes.Times(self.node, other.node))


_Counted = TypeVar("_Counted", Money, Int)


class Share(Number):
    """An exact share of something."""

    kind = ValueKind.SHARE

    def __mul__(self, other: _Counted) -> _Counted:
        return type(other)(nodes.Times(self.node, other.node))


class Date(Number):
    """A calendar day."""

    kind = ValueKind.DATE

    def plus(self, *, years: int = 0, months: int = 0, days: int = 0, late: bool = False) -> Date:
        """The day so much later. A month without that day ends on its last; with `late` on the first of the next.

        Raises:
            LawError: more than a hundred years.
        """
        by = 12 * years + months
        if abs(by) > MAX_SHIFT_MONTHS or abs(days) > MAX_SHIFT_DAYS:
            raise LawError("日期至多前后推一百年", code="law.shift_too_far")
        return Date(Shift(self.node, by, days, late))

    def minus(self, *, years: int = 0, months: int = 0, days: int = 0, late: bool = False) -> Date:
        """The day so much earlier."""
        return self.plus(years=-years, months=-months, days=-days, late=late)

    def days_since(self, earlier: Date) -> Int:
        """The days from an earlier day to this one, never below zero."""
        return Int(Elapsed(self.node, earlier.node))


class Choice(Operand):
    """One of the declared options."""

    kind = ValueKind.CHOICE

    def among(self, *options: str) -> Bool:
        """Whether it is one of these options.

        Raises:
            LawError: not an option of the fact.
        """
        spec = nodes.facts_of(self.node)[0]
        for option in options:
            if option not in (spec.options or {}):
                raise LawError(f"{spec.name} 没有选项 {option}", code="law.fact_option_unknown")
        return Bool(nodes.Among(self.node, Const(options, ValueKind.CHOICE)))

    def within(self, regions: Regions) -> Bool:
        """Whether it is one of the regions that a setting names."""
        return Bool(nodes.Among(self.node, regions.node))


class Text(Operand):
    """Words; they can be shown and required to be there, not compared."""


class Regions(Operand):
    """A list of region codes."""

    kind = ValueKind.REGIONS


class Rates(Operand):
    """A share for each region that has set one."""

    kind = ValueKind.RATES

    def of(self, region: Choice) -> Share:
        """The share of a region; a rule that uses it must require `set_by` the same region."""
        assert isinstance(self.node, nodes.Setting)
        return Share(nodes.Lookup(self.node.spec, region.node))

    def set_by(self, region: Choice) -> Bool:
        """Whether the region has set one."""
        return Bool(nodes.Among(region.node, self.node))


_N = TypeVar("_N", bound=Number)
H = TypeVar("H", bound=Operand)


def when(condition: Bool, then: _N, otherwise: _N) -> _N:
    """`then` where the condition holds, else `otherwise`."""
    return type(then)(nodes.When(condition.node, then.node, otherwise.node))


def all_of(*terms: Bool) -> Bool:
    """Every one of them holds."""
    return Bool(nodes.All(tuple(term.node for term in terms)))


def any_of(*terms: Bool) -> Bool:
    """At least one of them holds."""
    return Bool(nodes.AnyOf(tuple(term.node for term in terms)))


def always() -> Bool:
    """It holds in every case (a priority that depends on nothing further)."""
    return Bool(Const(True, ValueKind.BOOL))


def opposite(term: Bool) -> Bool:
    """It does not hold."""
    return Bool(nodes.Not(term.node))
