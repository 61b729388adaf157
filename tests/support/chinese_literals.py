"""The Chinese that code can say, found in its source: every literal with its holes.

Docstrings say nothing to users, and the descriptions of a JSON Schema speak to editors.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True)
class Literal:
    """A text of the source at its line; `parts` are its words and, where a value goes in, None."""

    place: str
    parts: tuple[str | None, ...]

    def filled(self, *, glued: bool) -> str:
        """With a number in every hole; not `glued`: nothing in a hole that touches another or an end.

        Such a hole may hold a further clause, or nothing.
        """
        numbers = count(7001)
        found = []
        for at, part in enumerate(self.parts):
            between = 0 < at < len(self.parts) - 1 and self.parts[at - 1] is not None and self.parts[at + 1] is not None
            found.append(part if part is not None else str(next(numbers)) if glued or between else "")
        return "".join(found)

    def __str__(self) -> str:
        return "".join("{}" if part is None else part for part in self.parts)


def literals(path: Path, *within: str) -> Iterator[Literal]:
    """Every Chinese literal of a module; `within`: only in what has one of these names."""
    tree = ast.parse(path.read_text("utf-8"))
    if within:
        tree.body = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _name(node) in within]
        assert tree.body, f"{path.name}: none of {within}"
    passed = {*_docstrings(tree), *_schema(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(value) for value in node.values}
            parts = tuple(_part(value) for value in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            parts = (node.value,)
        else:
            continue
        if any(part and HAN.search(part) for part in parts):
            yield Literal(f"{path.name} {node.lineno}", parts)


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.FunctionDef):
        return node.name
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""


def _part(value: ast.expr) -> str | None:
    return str(value.value) if isinstance(value, ast.Constant) else None


def _schema(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("description", "examples", "title"):
            yield from (id(each) for each in ast.walk(node.value))


def _docstrings(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            first = node.body[0]
            assert isinstance(first, ast.Expr)
            yield id(first.value)
