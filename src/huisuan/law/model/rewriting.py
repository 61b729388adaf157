"""Trees with nodes exchanged: the law as supposed, and rules as they are read for a period. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import Node


def rewrite_tree(node: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with `change` applied to every node, the lower ones first; what does not change is not copied."""
    changed = {}
    for field in fields(node):
        before = getattr(node, field.name)
        after = _rewrite_field(before, change)
        if after is not before:
            changed[field.name] = after
    return change(replace(node, **changed) if changed else node)


def _rewrite_field(value: Any, change: Callable[[Node], Node]) -> Any:
    if isinstance(value, nodes.NODE_TYPES):
        return rewrite_tree(value, change)
    if isinstance(value, tuple):
        terms = tuple(_rewrite_field(term, change) for term in value)
        return value if all(new is old for new, old in zip(terms, value, strict=True)) else terms
    if isinstance(value, Mapping) and any(isinstance(branch, nodes.NODE_TYPES) for branch in value.values()):
        branches = {name: _rewrite_field(branch, change) for name, branch in value.items()}
        return value if all(branches[name] is value[name] for name in value) else branches
    return value


def replace_topmost(node: Node, other: Callable[[Node], Node | None]) -> Node:
    """The tree in which a node is exchanged wherever `other` names one, from the root down; below it nothing is asked.

    Raises whatever `other` raises.
    """
    found = other(node)
    if found is not None:
        return found
    changed = {}
    for field in fields(node):
        before = getattr(node, field.name)
        after = _replace_in_field(before, other)
        if after is not before:
            changed[field.name] = after
    return replace(node, **changed) if changed else node


def _replace_in_field(value: Any, other: Callable[[Node], Node | None]) -> Any:
    if isinstance(value, nodes.NODE_TYPES):
        return replace_topmost(value, other)
    if isinstance(value, tuple):
        terms = tuple(_replace_in_field(term, other) for term in value)
        return value if all(new is old for new, old in zip(terms, value, strict=True)) else terms
    if isinstance(value, Mapping) and any(isinstance(branch, nodes.NODE_TYPES) for branch in value.values()):
        branches = {name: _replace_in_field(branch, other) for name, branch in value.items()}
        return value if all(branches[name] is value[name] for name in value) else branches
    return value
