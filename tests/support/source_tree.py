"""The product's own source as the rules about it see it: modules, what they define, what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import huisuan

ROOT = Path(huisuan.__file__).parent
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A file of the product."""

    path: Path

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.source)

    @property
    def file(self) -> str:
        """Its path in the package: law/sql/compiler.py."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def folder(self) -> str:
        """The folder it lies in: law/sql."""
        return self.path.parent.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """How it is imported: huisuan.law.sql.compiler."""
        parts = ["huisuan", *self.path.relative_to(ROOT).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def functions(self) -> Iterator[Function]:
        """Every function, methods and inner ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def public(self) -> Iterator[tuple[str, ast.stmt]]:
        """What stands at its top level under a public name."""
        for node in self.tree.body:
            if isinstance(node, Function | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names = [node.target.id]
            else:
                continue
            yield from ((name, node) for name in names if not name.startswith("_"))


@lru_cache
def modules() -> tuple[Module, ...]:
    """Every module of the product; migrations are history, not code that anybody edits."""
    found = (path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.parts)
    return tuple(Module(path) for path in found)


@lru_cache
def imports() -> Mapping[str, frozenset[str]]:
    """Which modules of ours each module needs while it is being imported."""
    names = {module.name for module in modules()}
    found: dict[str, frozenset[str]] = {}
    for module in modules():
        needed: set[str] = set()
        for node in _run_on_import(module.tree.body):
            if isinstance(node, ast.Import):
                needed |= {alias.name for alias in node.names}
            elif node.module:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                needed |= {name if name in names else node.module for name in whole}
        found[module.name] = frozenset(needed & names - {module.name})
    return found


def _run_on_import(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from _run_on_import([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from _run_on_import(node.body)


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The strongly connected parts of more than one node (Tarjan 1972), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found)
