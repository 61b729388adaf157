"""No page cuts what somebody typed: it refuses it with the field's name, or shows that it goes on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support.source_tree import modules

#: what a page reads of a request, and what it calls a copy of it
INPUTS = {"GET", "POST", "given", "posted", "query", "typed"}


def cut_inputs(tree: ast.AST) -> Iterator[ast.Subscript]:
    """Slices from the beginning of what is read of a request: `request.POST.get("name", "").strip()[:80]`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.upper is not None:
            parts = list(ast.walk(node.value))
            names = {part.attr for part in parts if isinstance(part, ast.Attribute)}
            names |= {part.id for part in parts if isinstance(part, ast.Name)}
            if names & INPUTS:
                yield node


def test_no_page_cuts_what_was_typed() -> None:
    found = [
        f"{module.file}:{node.lineno}: {ast.unparse(node)}"
        for module in modules()
        if module.file.startswith("portal/")
        for node in cut_inputs(module.tree)
    ]
    assert found == []


def test_a_cut_is_found() -> None:
    wrong = ast.parse('a = request.POST.get("name", "").strip()[:80]\nb = rows.order_by("-at")[:8]\nc = found[1:]')
    assert [ast.unparse(node) for node in cut_inputs(wrong)] == ["request.POST.get('name', '').strip()[:80]"]
