"""What the outside relies on, as text that can be compared: the OpenAPI documents, the agent protocol, every `--help`.

Prose of programmers (`description`, `title`) is left out of JSON documents: a docstring may be reworded without a
change of the contract. Help texts are the users' and stay whole.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

SNAPSHOTS = Path(__file__).parents[1] / "contract" / "snapshots"
REWRITE = "HUISUAN_REWRITE_SNAPSHOTS"
COLUMNS = 120  # of the terminal that help is rendered for
PROSE = frozenset({"description", "title"})
#: what the demo's text owes to other tests of the same database (numbers given out), and to the widths of columns
MASKS = (
    (re.compile(r"\bE\d+\b"), "E…"),
    (re.compile(r"\b([BR])\d+\b"), r"\1…"),  # bank files: numbers from a sequence, which no rollback takes back
    (re.compile(r"第 \d+ 次结算"), "第 … 次结算"),
    (re.compile(r"[━─]{2,}"), "─"),
    (re.compile(r" {2,}"), " "),
)


def without_prose(value: Any) -> Any:
    """The document without descriptions and titles; a property of that name stays, since its value is a schema."""
    if isinstance(value, dict):
        return {key: without_prose(item) for key, item in value.items() if not (key in PROSE and isinstance(item, str))}
    return [without_prose(item) for item in value] if isinstance(value, list) else value


def as_json(document: Any) -> str:
    """A JSON document with its keys in order, one value a line."""
    return json.dumps(without_prose(document), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def command_help(app: typer.Typer) -> str:
    """`--help` of every command and group, in the order of their names, for a terminal without colours."""
    parts = []
    with _plain_terminal():
        for words, command, context in _commands(typer.main.get_command(app), "huisuan", None):
            page = io.StringIO()
            with contextlib.redirect_stdout(page):
                rest = command.get_help(context)
            text = "\n".join(line.rstrip() for line in (page.getvalue() + rest).splitlines()).strip("\n")
            parts.append(f"$ {' '.join(words)} --help\n{text}\n")
    return "\n".join(parts)


def _commands(command: Any, name: str, parent: Any) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield tuple(context.command_path.split()), command, context
    if hasattr(command, "list_commands"):
        for child in sorted(command.list_commands(context)):
            yield from _commands(command.get_command(context, child), child, context)


@contextlib.contextmanager
def _plain_terminal() -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(COLUMNS=str(COLUMNS), NO_COLOR="1", TERM="dumb")
    for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def masked(text: str) -> str:
    """The demo's output without the numbers and widths that differ from one database to the next."""
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


def compare(name: str, text: str) -> None:
    """Compare with the stored snapshot; `make snapshots` stores instead (variable `HUISUAN_REWRITE_SNAPSHOTS`).

    Raises:
        AssertionError: they differ.
    """
    path = SNAPSHOTS / name
    if os.environ.get(REWRITE):
        path.write_text(text, encoding="utf-8")
    stored = path.read_text("utf-8") if path.exists() else ""
    differing = list(difflib.unified_diff(stored.splitlines(), text.splitlines(), "stored", "now", n=0, lineterm=""))
    assert not differing, "\n".join(
        (
            f"{name} is not what is stored in tests/contract/snapshots: if the change is meant, run `make snapshots` "
            "and say it in CHANGELOG.md",
            *differing[:40],
        )
    )
