"""Everything public says what it means."""

from __future__ import annotations

import ast

from support.source_tree import ROOT, Function, modules


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


def test_every_folder_with_code_is_a_package_that_says_what_it_is_for() -> None:
    folders = {path.parent for path in ROOT.rglob("*.py")} - {ROOT / "cli/demo/policies/example-district-2025"}
    silent = {str(folder.relative_to(ROOT)) for folder in folders if "migrations" not in folder.parts
              and not (folder / "__init__.py").is_file()}  # fmt: skip
    assert not silent
