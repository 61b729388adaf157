"""A public name means one thing: a top-level function, class or constant is defined in one module only.

SAME_NAME is a ratchet: names that are still shared, and nothing may be added to it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping

from support.source_tree import Function, modules

#: names that a framework looks for or asks for in each module
FRAMEWORK_NAMES = {
    "app": "Typer finds a group's commands here",
    "application": "ASGI and WSGI servers look for it",
    "log": "each module's own logger",
    "main": "the entry point of a program",
    "register": "Django's library of a module of template tags",
    "router": "Django Ninja's router of a room",
    "urlpatterns": "Django's routes",
}
#: functions that implement one protocol, or one interface of modules, in several places
PROTOCOL_IMPLEMENTATIONS: dict[str, str] = {}
SAME_NAME: set[str] = {
    "Card", "Cell", "Choice", "Code", "Entitlement", "Fact", "HUGE_CARDS", "Hex64", "Job", "JobEvent", "Key",
    "LOG_BYTES", "Language", "Line", "MOST_BYTES", "P", "Piece", "Question", "Size", "Step", "Sum", "Tenant", "Text",
    "UsagePage", "UsageRecord", "api", "as_csv", "as_xlsx", "capacity", "centres", "day", "exported", "home", "integer",
    "invite", "logger", "parse_facts", "parse_form", "records", "revoke", "share", "visible",
}  # fmt: skip


def is_registered(node: ast.stmt) -> bool:
    """Whether a decorator makes it a command, route, page, task or filter, known by that and not by its name."""
    return (
        isinstance(node, Function)
        and bool(node.decorator_list)
        and not all(
            (isinstance(decorator, ast.Name) and decorator.id in ("cache", "lru_cache", "contextmanager"))
            or (isinstance(decorator, ast.Attribute) and decorator.attr == "atomic")
            for decorator in node.decorator_list
        )
    )


def shared_names(names: Mapping[str, set[str]]) -> set[str]:
    """The names that more than one file defines."""
    return {name for name, files in names.items() if len(files) > 1}


def public_names() -> Mapping[str, set[str]]:
    """Every public name with the files that define it, without those that a framework asks for."""
    names: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        for name, node in module.public():
            if name not in FRAMEWORK_NAMES.keys() | PROTOCOL_IMPLEMENTATIONS.keys() and not is_registered(node):
                names[name].add(module.file)
    return names


def test_no_further_public_name_is_defined_in_two_modules() -> None:
    assert shared_names(public_names()) <= SAME_NAME


def test_a_shared_name_is_found() -> None:
    assert shared_names({"read": {"a.py", "b.py"}, "parse": {"a.py"}}) == {"read"}
