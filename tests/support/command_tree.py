"""The whole command tree, walked: no list by hand can forget a command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer
import typer.testing
from typer.testing import CliRunner, Result

from huisuan.cli.main import assemble

typer.testing._get_command = cache(typer.main.get_command)  # the tree is built once, not anew at each invocation


def invoke(*words: str, given: str | None = None) -> Result:
    """Run a command in this process; `given` is its standard input."""
    return CliRunner().invoke(assemble(), words, input=given)


@dataclass(frozen=True)
class Leaf:
    """A command that does something: its words after `huisuan`, and what click knows of it."""

    words: tuple[str, ...]
    command: Any

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def required(self) -> list[Any]:
        """The parameters that must be given."""
        return [parameter for parameter in self.command.params if parameter.required]

    @property
    def options(self) -> set[str]:
        """Every option, as it is typed."""
        return {word for parameter in self.command.params for word in parameter.opts if word.startswith("-")}


def groups_and_leaves() -> tuple[list[tuple[str, ...]], list[Leaf]]:
    """All groups (the root is the empty tuple) and all leaves."""
    found = list(_walk((), typer.main.get_command(assemble())))
    return [words for words, command in found if _is_group(command)], [
        Leaf(words, command) for words, command in found if not _is_group(command)
    ]


def _walk(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    if _is_group(command):
        for name, below in command.commands.items():
            yield from _walk((*words, name), below)


def _is_group(command: Any) -> bool:
    return hasattr(command, "commands")


GROUPS, LEAVES = groups_and_leaves()
