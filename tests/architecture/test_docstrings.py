"""Everything public says what it means."""

from __future__ import annotations

import ast

from support.source_tree import Function, modules


def test_every_module_says_what_it_is_for() -> None:
    assert [module.file for module in modules() if not ast.get_docstring(module.tree)] == []


def test_every_public_function_and_class_says_what_it_means() -> None:
    silent = [
        f"{module.file}:{name}"
        for module in modules()
        for name, node in module.public()
        if isinstance(node, Function | ast.ClassDef) and not ast.get_docstring(node)
    ]
    assert silent == []
