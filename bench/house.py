"""Figures about the source itself, for docs/decisions/024: `python bench/house.py [CHECKOUT]`, this one by default.

The same measure for any commit: `git worktree add ../before 4bcb2e1`, then `python bench/house.py ../before`.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support import source_tree  # noqa: E402

OFTEN = 5  # definitions of one name that make it a homonym


def all_imports() -> dict[str, set[str]]:
    """Which modules of ours each module names in an import anywhere, those inside functions too."""
    names = {module.name for module in source_tree.modules()}
    found: dict[str, set[str]] = {}
    for module in source_tree.modules():
        needed: set[str] = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                needed |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                needed |= {name if name in names else node.module for name in whole}
        found[module.name] = needed & names - {module.name}
    return found


def of_folders(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same arrows between folders."""
    folder = {module.name: module.folder for module in source_tree.modules()}
    found: dict[str, set[str]] = defaultdict(set)
    for name, needed in graph.items():
        found[folder[name]] |= {folder[other] for other in needed} - {folder[name]}
    return found


def longest_chain(graph: Mapping[str, set[str]]) -> int:
    """Modules on the longest chain of imports; a circle counts as one."""
    part: dict[str, frozenset[str]] = {name: frozenset([name]) for name in graph}
    for circle in source_tree.circles(graph):
        part |= dict.fromkeys(circle, frozenset(circle))

    @lru_cache
    def length(names: frozenset[str]) -> int:
        below = {part[other] for name in names for other in graph[name]} - {names}
        return 1 + max(map(length, below), default=0)

    return max(map(length, set(part.values())))


def homonyms() -> list[tuple[str, int]]:
    """Names of functions, methods and classes that are defined `OFTEN` times or more, the most frequent first."""
    kinds = source_tree.Function | ast.ClassDef
    names = Counter(
        node.name
        for module in source_tree.modules()
        for node in ast.walk(module.tree)
        if isinstance(node, kinds) and not node.name.startswith("__") and node.name != "Meta"  # Django calls it so
    )
    return [(name, count) for name, count in names.most_common() if count >= OFTEN]


def lines_under(folder: Path) -> int:
    """Lines of all Python files below a folder, migrations apart."""
    files = (path for path in folder.rglob("*.py") if "migrations" not in path.parts)
    return sum(len(path.read_text("utf-8").splitlines()) for path in files)


def main(checkout: Path) -> None:
    """Print the figures."""
    source_tree.ROOT = checkout.resolve() / "src" / "huisuan"
    modules = source_tree.modules()
    everywhere, on_import = all_imports(), {name: set(needed) for name, needed in source_tree.imports().items()}
    folders = Counter(module.folder for module in modules)
    public = [
        node
        for module in modules
        for _, node in module.public()
        if isinstance(node, source_tree.Function | ast.ClassDef)
    ]
    functions = [function for module in modules for function in module.functions()]
    often = homonyms()
    source, tests = lines_under(source_tree.ROOT), lines_under(checkout / "tests")
    largest, count = folders.most_common(1)[0]
    for label, value in {
        "files": len(modules),
        "folders": len(folders),
        "lines of source": source,
        "largest folder": f"{largest} ({count} files)",
        "files over 300 lines": sum(len(module.source.splitlines()) > 300 for module in modules),
        "functions over 40 lines": sum((node.end_lineno or 0) - node.lineno >= 40 for node in functions),
        "longest import chain": longest_chain(everywhere),
        "longest import chain, on import": longest_chain(on_import),
        "circles of files": len(source_tree.circles(everywhere)),
        "circles of files, on import": len(source_tree.circles(on_import)),
        "circles of folders": len(source_tree.circles(of_folders(everywhere))),
        "circles of folders, on import": len(source_tree.circles(of_folders(on_import))),
        "homonyms": f"{len(often)}: " + ", ".join(f"{name} {times}" for name, times in often[:12]),
        "public functions and classes with a docstring": f"{sum(bool(ast.get_docstring(node)) for node in public)}"
        f" of {len(public)}",
        "lines of tests to lines of source": f"{tests / source:.2f}",
    }.items():
        print(f"{label}: {value}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else CHECKOUT)
