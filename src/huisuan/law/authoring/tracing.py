"""From the function that an article decorates to the tree of a rule: called once, on operands instead of values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from huisuan.law.authoring.declarations import Facts
from huisuan.law.authoring.operators import Operand, collecting_conditions
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, Node
from huisuan.law.model.rules import Condition


def trace_rule(function: Callable[[Any], Any]) -> tuple[tuple[FactSpec, ...], Operand | None, tuple[Condition, ...]]:
    """The facts that the function's parameter declares, what it returns, and the conditions that it requires.

    Raises:
        LawError: another signature than one parameter of a subclass of `Facts`.
    """
    parameters = list(inspect.signature(function).parameters)
    hints = get_type_hints(function)
    facts = hints.get(parameters[0]) if len(parameters) == 1 else None
    if facts is None or not issubclass(facts, Facts):
        raise LawError(f"{function.__name__} 应只有一个参数，类型为 Facts 的子类", code="law.rule_signature")
    with collecting_conditions() as conditions:
        result = function(facts())
    return facts.specs(), result, tuple(conditions)


def is_rounded(node: Node) -> bool:
    """Whether whatever branch holds, the amount is rounded, once and last."""
    if isinstance(node, nodes.Interpreted):
        return all(is_rounded(branch) for branch in node.branches.values())
    return isinstance(node, nodes.Rounded)


def source_place(function: Callable[..., object]) -> str:
    """File, line and name of a function, for errors."""
    code = function.__code__
    return f"{Path(code.co_filename).name} 行 {code.co_firstlineno}（{function.__name__}）"
