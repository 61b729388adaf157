"""Modules and folders import in one direction: whoever changes a room knows which rooms rest on it."""

from __future__ import annotations

from collections import defaultdict

from support.source_tree import circles, imports, modules


def test_no_modules_import_each_other() -> None:
    assert circles(imports()) == []


def test_no_folders_import_each_other() -> None:
    folder = {module.name: module.folder for module in modules()}
    graph: dict[str, set[str]] = defaultdict(set)
    for name, needed in imports().items():
        graph[folder[name]] |= {folder[other] for other in needed} - {folder[name]}
    assert circles(graph) == []


def test_a_circle_is_found() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": [], "e": ["f"], "f": ["e"]}) == [
        ["a", "b", "c"],
        ["e", "f"],
    ]
