"""One thing removed or altered in a tree of the law, for each thing that its author wrote. Pure.

`mutants` runs the worked cases over what comes out of here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Shift
from huisuan.law.model.expressions import NODE_TYPES, Node
from huisuan.law.model.values import ValueKind, format_fen, format_share

_OTHER_COMPARISONS = {"<=": ("<", ">"), "<": ("<=", ">="), ">=": (">", "<"), ">": (">=", "<="), "=": ("<", ">")}
_LESS = Fraction(9, 10)  # what a rate or an amount that is set becomes


@dataclass(frozen=True)
class Alteration:
    """One change: what was done, and the sentence and phrase that it goes against."""

    what: str
    sentence: str
    phrase: str


def alter_tree(root: Node | None, ground: Alteration) -> Iterator[tuple[Alteration, Node]]:
    """Every tree that differs from this one in one thing that its author wrote.

    What was written once may stand in several branches: it is altered in all of them. Two equal figures are one where
    they have the same ground.
    """
    if root is None:
        return
    for place in _distinct_places(root, ground):
        for what, changed in _own_alterations(place.node):
            yield replace(place.ground, what=what), _replaced(_Place(root, ground), place, changed)


@dataclass(frozen=True)
class _Place:
    """A node, and the nearest citation above it."""

    node: Node
    ground: Alteration

    def below(self) -> Iterator[_Place]:
        """The places directly below. A list of members is altered as a whole, not member by member."""
        if isinstance(self.node, nodes.Among) and isinstance(self.node.members, nodes.Const):
            yield self.child(self.node.value)
        else:
            yield from map(self.child, nodes.children(self.node))

    def is_same(self, other: _Place) -> bool:
        """Whether both are one thing to who wrote them."""
        return self.node == other.node and (self.ground == other.ground or not isinstance(self.node, nodes.Const))

    def child(self, node: Node) -> _Place:
        """The place of a node below."""
        cited = self.node
        return _Place(
            node, Alteration("", cited.sentence, cited.phrase) if isinstance(cited, nodes.Cited) else self.ground
        )


def _distinct_places(root: Node, ground: Alteration) -> list[_Place]:
    found: list[_Place] = []
    waiting = [_Place(root, ground)]
    while waiting:
        place = waiting.pop()
        if not any(place.is_same(other) for other in found):
            found.append(place)
            waiting.extend(place.below())
    return found


def _replaced(place: _Place, target: _Place, changed: Node) -> Node:
    """The tree below a place with every occurrence of the target changed."""
    if place.is_same(target):
        return changed
    copied = {}
    for field in fields(place.node):
        before = getattr(place.node, field.name)
        after = _replaced_in_field(place, before, target, changed)
        if after is not before:
            copied[field.name] = after
    return replace(place.node, **copied) if copied else place.node


def _replaced_in_field(place: _Place, value: Any, target: _Place, changed: Node) -> Any:
    if isinstance(value, NODE_TYPES):
        return _replaced(place.child(value), target, changed)
    if isinstance(value, tuple):
        terms = tuple(_replaced_in_field(place, term, target, changed) for term in value)
        return value if all(new is old for new, old in zip(terms, value, strict=True)) else terms
    if isinstance(value, Mapping) and isinstance(place.node, nodes.Interpreted):
        branches = {name: _replaced_in_field(place, branch, target, changed) for name, branch in value.items()}
        return value if all(branches[name] is value[name] for name in value) else branches
    return value


def _own_alterations(node: Node) -> Iterator[tuple[str, Node]]:
    """What can be altered of this very node, in words, and what it becomes."""
    match node:
        case nodes.Const(value=value, kind=kind):
            yield from ((f"{_text(value)}改为{_text(new)}", nodes.Const(new, kind)) for new in _neighbours(value, kind))
        case nodes.Setting(spec=spec) if spec.kind in (ValueKind.SHARE, ValueKind.MONEY, ValueKind.INT):
            yield f"参数 {spec.name} 只按九成", nodes.Times(nodes.Const(_LESS, ValueKind.SHARE), node)
        case nodes.Lookup(spec=spec):
            yield f"参数 {spec.name} 只按九成", nodes.Times(nodes.Const(_LESS, ValueKind.SHARE), node)
        case nodes.Compare(op=op):
            yield from ((f"{op} 改为 {other}", replace(node, op=other)) for other in _OTHER_COMPARISONS[op])
        case nodes.Among():
            yield from _other_lists(node)
        case nodes.All(terms=terms) | nodes.AnyOf(terms=terms):
            other = nodes.AnyOf if isinstance(node, nodes.All) else nodes.All
            yield "“都”与“任一”对调", other(terms)
            for place in range(len(terms)):
                yield f"去掉第 {place + 1} 项", replace(node, terms=(*terms[:place], *terms[place + 1 :]))
        case nodes.Not(term=term):
            yield "去掉“不”", term
        case Shift():
            yield from _other_days(node)
        case nodes.When(then=then, otherwise=otherwise):
            yield "条件总成立", then
            yield "条件总不成立", otherwise
        case _:
            yield from _other_amounts(node)


def _other_amounts(node: Node) -> Iterator[tuple[str, Node]]:
    match node:
        case nodes.Cap(amount=amount, limit=limit):
            yield "去掉上限", amount
            yield "总按上限", limit
        case nodes.Rounded(to=unit, half_up=half_up):
            yield "取整到元与到分对调", replace(node, to=100 if unit == 1 else 1)
            if unit != 1 or _has_fractions(node.amount):
                yield "去尾与四舍五入对调", replace(node, half_up=not half_up)
        case nodes.Minus(minuend=minuend):
            yield "不扣减", minuend
        case nodes.Total(spec=spec):
            yield f"{spec.zh}多一倍", nodes.Total(nodes.Sum((node.of, node.of)), spec)
        case nodes.Sum(terms=terms) if len(terms) > 1:
            for place in range(len(terms)):
                yield f"少加第 {place + 1} 项", replace(node, terms=(*terms[:place], *terms[place + 1 :]))
        case nodes.Interpreted(spec=spec, branches=branches):
            for option, branch in branches.items():
                other = next(name for name in branches if name != option)
                if branches[other] != branch:
                    yield (
                        f"口径 {spec.name} 选 {option} 时按 {other}",
                        replace(node, branches={**branches, option: branches[other]}),
                    )


def _other_days(node: Shift) -> Iterator[tuple[str, Node]]:
    for change in (-1, 1):
        yield f"期限差 {change} 天", replace(node, days=node.days + change)
    if node.months:
        yield "2月29日的对应日对调", replace(node, late=not node.late)


def _has_fractions(amount: Node) -> bool:
    """Whether an amount can lie between two fen: something below it is a share."""
    shares = (nodes.Fact, nodes.Setting, nodes.Lookup)
    return any(
        (isinstance(node, nodes.Const) and node.kind is ValueKind.SHARE)
        or (isinstance(node, shares) and node.spec.kind in (ValueKind.SHARE, ValueKind.RATES))
        for node in nodes.walk(amount)
    )


def _other_lists(node: nodes.Among) -> Iterator[tuple[str, Node]]:
    yield "属于改为不属于", nodes.Not(node)
    members = node.members
    if isinstance(members, nodes.Const) and isinstance(members.value, tuple):
        for member in members.value:
            rest = tuple(other for other in members.value if other != member)
            yield f"名单里少了 {member}", replace(node, members=nodes.Const(rest, members.kind))


def _neighbours(value: Any, kind: ValueKind) -> Iterator[Any]:
    """The values beside one of the law's: a fen, a unit, a day, a tenth of a share."""
    match kind:
        case ValueKind.MONEY | ValueKind.INT:
            yield from (value - 1, value + 1)
        case ValueKind.SHARE:
            yield from (value * _LESS, value / _LESS)
        case ValueKind.DATE:
            yield from (value - timedelta(days=1), value + timedelta(days=1))
        case ValueKind.BOOL:
            yield not value


def _text(value: Any) -> str:
    match value:
        case bool():
            return "是" if value else "否"
        case int():
            return f"{format_fen(value)} 元" if abs(value) >= 100_000 else str(value)
        case Fraction():
            return format_share(value)
        case date():
            return value.isoformat()
    return str(value)
