"""Which branches of a rule must be taken to come to a cap, as conditions in SQL."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from huisuan.law.model import expressions as nodes
from huisuan.law.model.exact_arithmetic import Arithmetic
from huisuan.law.model.expressions import Node
from huisuan.law.sql.sql_arithmetic import SqlExpr, not_

Path = tuple[tuple[SqlExpr, bool], ...]  # conditions, and whether each must hold


def caps_with_conditions(node: Node, arithmetic: Arithmetic[SqlExpr], way: Path = ()) -> Iterator[tuple[str, SqlExpr]]:
    """Every cap on the path taken, with the condition under which it binds, in the explanation's order."""
    for child, further in _paths(node, arithmetic):
        yield from caps_with_conditions(child, arithmetic, (*way, *further))
    if isinstance(node, nodes.Cited) and isinstance(node.node, nodes.Cap):
        over = arithmetic.condition(nodes.Compare(">", node.node.amount, node.node.limit))
        yield (
            node.sentence,
            exp.and_(over, *(_path_condition(*condition) for condition in way), copy=False) if way else over,
        )


def _paths(node: Node, arithmetic: Arithmetic[SqlExpr]) -> Iterator[tuple[Node, Path]]:
    if isinstance(node, nodes.Interpreted):
        yield arithmetic.branch(node), ()
    elif isinstance(node, nodes.When):
        condition = arithmetic.condition(node.condition)
        yield node.condition, ()
        yield node.then, ((condition, True),)
        yield node.otherwise, ((condition, False),)
    else:
        yield from ((child, ()) for child in nodes.children(node))


def _path_condition(condition: SqlExpr, holds: bool) -> SqlExpr:
    return condition.copy() if holds else not_(condition.copy())
