"""Which branches of a rule must be taken to come to a cap or to a fact, as conditions in SQL."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from huisuan.law import nodes
from huisuan.law.arithmetic import Arithmetic
from huisuan.law.nodes import Node
from huisuan.law.sql_engine import E, column, negated

Way = tuple[tuple[E, bool | None], ...]  # conditions, and whether each must hold; None: only be known


def caps_of(node: Node, arithmetic: Arithmetic[E], way: Way = ()) -> Iterator[tuple[str, E]]:
    """Every cap on the path taken, with the condition under which it binds, in the explanation's order."""
    for child, further in _paths(node, arithmetic):
        yield from caps_of(child, arithmetic, (*way, *further))
    if isinstance(node, nodes.Cited) and isinstance(node.node, nodes.Cap):
        over = arithmetic.truth(nodes.Compare(">", node.node.amount, node.node.limit))
        yield node.sentence, exp.and_(over, *(_taken(*each) for each in way), copy=False) if way else over


class Reached:
    """Under which conditions a rule's trees look at each fact; every condition is a column, computed once.

    `columns` grows while trees are added: its expressions go into the layer below.
    """

    def __init__(self, arithmetic: Arithmetic[E]) -> None:
        self.columns: dict[str, E] = {}
        self._arithmetic = arithmetic
        self._names: dict[E, str] = {}
        self._ways: dict[str, list[tuple[str, Way]]] = {}

    def add(self, root: str, node: Node) -> None:
        """A tree whose value is the column `root`."""
        for fact, way in _facts(node, self._arithmetic, ()):
            named: Way = tuple((self._named(condition), holds) for condition, holds in way)
            self._ways.setdefault(fact, []).append((root, named))

    def needed(self, fact: str) -> E | None:
        """When the fact, being NULL, keeps a tree's value from being told; None where no tree looks at it."""
        roots: dict[str, list[Way]] = {}
        for root, way in self._ways.get(fact, []):
            roots.setdefault(root, []).append(way)
        wanted = []
        for root, ways in roots.items():
            unknown = column(root).is_(exp.null())
            told = [exp.and_(unknown.copy(), *(_taken(*each) for each in way), copy=False) for way in _either(ways)]
            wanted.append(exp.or_(*told, copy=False))
        return exp.or_(*wanted, copy=False) if wanted else None

    def _named(self, condition: E) -> E:
        if condition not in self._names:
            self._names[condition] = f"g__{len(self.columns)}"
            self.columns[self._names[condition]] = condition.copy()
        return column(self._names[condition])


def _facts(node: Node, arithmetic: Arithmetic[E], way: Way) -> Iterator[tuple[str, Way]]:
    if isinstance(node, nodes.Fact):
        yield node.spec.name, way
    for child, further in _paths(node, arithmetic):
        yield from _facts(child, arithmetic, (*way, *further))


def _paths(node: Node, arithmetic: Arithmetic[E]) -> Iterator[tuple[Node, Way]]:
    if isinstance(node, nodes.Interpreted):
        yield arithmetic.branch(node), ()
    elif isinstance(node, nodes.When):
        condition = arithmetic.truth(node.condition)
        yield node.condition, ()
        yield node.then, ((condition, True),)
        yield node.otherwise, ((condition, False),)
    else:
        yield from ((child, ()) for child in nodes.children(node))


def _either(ways: list[Way]) -> list[Way]:
    """Each way once; two that part only at their end are one, on which the last condition must be known."""
    found: dict[Way, None] = {}
    for way in ways:
        other = (*way[:-1], (way[-1][0], not way[-1][1])) if way else None
        known: Way = (*way[:-1], (way[-1][0], None)) if way and other in ways else way
        found.setdefault(known)
    return [()] if () in found else list(found)


def _taken(condition: E, holds: bool | None) -> E:
    if holds is None:
        return condition.copy().is_(exp.null()).not_()
    return condition.copy() if holds else negated(condition.copy())
