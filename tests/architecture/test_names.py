"""A public name means one thing: a top-level function, class or constant is defined in one module only.

A message on the wire may be called like the row or the thought that it carries: `Job` is a stored row, and
`resources.Job` what is shown of it. SAME_NAME is a ratchet: names that are still shared, and why; it only shrinks.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping

from huisuan.cli.main import GROUP_COMMANDS, SINGLE_COMMANDS
from support.source_tree import Function, modules

#: names that a framework looks for or asks for in each module
FRAMEWORK_NAMES = {
    "api": "Django Ninja's API of a room: each has its own paths and documents",
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
#: what these are based on goes over the wire; its name stands in the OpenAPI document and is promised there
WIRE_BASES = {"RequestModel", "ResponseModel", "Schema"}
SAME_NAME: dict[str, str] = {
    "Choice": "a fact's type to authors of policies; on pages a filter's and a form's, which no policy sees",
    "Text": "a fact's type to authors of policies; on pages a label in either language",
    "UsagePage": "the API's own schema, with filters' columns, and what the client reads of it",
}


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


def is_wire(node: ast.stmt) -> bool:
    """Whether it is a message: a class of the protocol, or a schema of the API."""
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) in WIRE_BASES for base in node.bases)


def listed_commands() -> set[tuple[str, str]]:
    """Files with the functions in them that the command line lists by name."""
    single = [(module, (function,)) for module, function, _ in SINGLE_COMMANDS.values()]
    listed = [*single, *(entry for entries in GROUP_COMMANDS.values() for entry in entries)]
    file = {module.name: module.file for module in modules()}
    return {(file[module], function) for module, functions in listed for function in functions}


def public_names(*, wire: bool) -> Mapping[str, set[str]]:
    """Every public name, of messages or of all else, with its files; without those that a framework asks for."""
    names: dict[str, set[str]] = defaultdict(set)
    commands = listed_commands()
    for module in modules():
        for name, node in module.public():
            known = name in FRAMEWORK_NAMES or name in PROTOCOL_IMPLEMENTATIONS or (module.file, name) in commands
            if not known and not is_registered(node) and is_wire(node) == wire:
                names[name].add(module.file)
    return names


def test_no_further_public_name_is_defined_in_two_modules() -> None:
    found = shared_names(public_names(wire=False)) | shared_names(public_names(wire=True))
    assert found == SAME_NAME.keys()  # what is no longer shared must leave


def test_a_shared_name_is_found() -> None:
    assert shared_names({"read": {"a.py", "b.py"}, "parse": {"a.py"}}) == {"read"}
