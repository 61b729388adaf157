"""Common subexpressions of a query's columns are computed once, in a layer below: engines do not look into a CASE.

It changes no answer: nothing in a rule's SQL raises an error that a branch would have kept away (divisors are above
zero, and no intermediate result leaves 64 bits, whatever the facts are).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlglot import exp

from huisuan.law.sql.naming import STEP_PREFIX
from huisuan.law.sql.sql_arithmetic import SqlExpr, case, column

#: what costs more than to look it up; what is missing is asked of a column, and costs nothing
COSTLY = (exp.Case, exp.Binary, exp.Bracket, exp.In, exp.Between, exp.Func)

#: what takes longer for a thousand rows than to choose among them; the rest is computed for all, and not looked at
WORTH_A_GUARD = (exp.Case, exp.Anonymous, exp.Coalesce)


def extract_common(
    columns: Mapping[str, SqlExpr],
    source: exp.Table | exp.Subquery,
    *,
    step: str = STEP_PREFIX,
    only: SqlExpr | None = None,
) -> exp.Select:
    """SELECT *, the columns FROM the source, with a layer below for what they have in common, and so on down.

    With `only`, what is costly is not computed for rows of which that is not true, and their columns mean nothing.

    The expressions become part of the query and must not be used elsewhere.
    """
    columns = dict(columns)
    steps = 0
    while repeated := _repeated(columns.values()):
        named = {expression: f"{step}{steps + at}" for at, expression in enumerate(repeated)}
        steps += len(named)
        shared = {name: expression.copy() for expression, name in named.items()}
        source = _select_all_and(_guarded(shared, only), source).subquery("t", copy=False)
        columns = {name: column.transform(_replace_by_step, named, copy=False) for name, column in columns.items()}
    return _select_all_and(_guarded(columns, only), source)


def _guarded(columns: Mapping[str, SqlExpr], only: SqlExpr | None) -> Mapping[str, SqlExpr]:
    if only is None:
        return columns
    return {
        name: case((only.copy(), column)) if column.find(*WORTH_A_GUARD) else column for name, column in columns.items()
    }


def _select_all_and(columns: Mapping[str, SqlExpr], source: exp.Table | exp.Subquery) -> exp.Select:
    named = (exp.alias_(column, name, quoted=True, copy=False) for name, column in columns.items())
    return exp.select(exp.Star(), *named, copy=False).from_(source, copy=False)


def _repeated(columns: Iterable[SqlExpr]) -> list[SqlExpr]:
    """The innermost of the expressions that stand in more than one place, in the order in which they are met."""
    found: Counter[SqlExpr] = Counter()
    waiting = list(columns)[::-1]
    while waiting:
        node = waiting.pop()
        if _is_costly(node):
            found[node] += 1
            if found[node] > 1:  # what is inside was counted where it stood first
                continue
        waiting.extend(list(node.iter_expressions())[::-1])
    repeated = {node: None for node, count in found.items() if count > 1}  # a dict keeps the order, a set does not
    return [node for node in repeated if not any(inner in repeated for inner in node.walk() if inner is not node)]


def _is_costly(node: SqlExpr) -> bool:
    # a branch of a CASE is no value, though sqlglot counts it among the functions
    return isinstance(node, COSTLY) and not isinstance(node, (exp.Is, exp.If)) and node.find(exp.Column) is not None


def _replace_by_step(node: SqlExpr, named: Mapping[SqlExpr, str]) -> SqlExpr:
    name = named.get(node) if isinstance(node, COSTLY) else None
    if name is not None:
        return column(name)
    return node
