"""How commands speak: answers as a table or as JSON on stdout, everything else on stderr, one exit code each.

Exit codes: 0 done, 1 refused or failed (also: part of a file was refused), 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from huisuan.base.json_values import to_json_value
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI

_PIPE_COLUMNS = 160  # columns of a pipe or a file, which has no width of its own
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
err = Console(stderr=True, soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出（金额为整数分）")]

#: of a command whose answer is JSON anyway: a script that adds --json to every command is not refused
AlwaysJson = Annotated[bool, typer.Option("--json", help="总是 JSON，写不写都一样")]


def print_json(data: Any) -> None:
    """Write data to stdout as JSON and nothing else, at once: a script may wait for it while the command goes on."""
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2, default=to_json_value)
    sys.stdout.write("\n")
    sys.stdout.flush()


def print_table(title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """Write rows as a table; `columns` maps a row's key to its heading, `empty` says what would fill the table."""
    if not rows:
        out.print(empty, markup=False)
        return
    table = Table(title=title, title_justify="left")
    for key, heading in columns.items():
        number = all(isinstance(row.get(key), int) for row in rows)
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(key, row.get(key)) for key in columns))
    out.print(table)


def _cell(key: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int):
        return yuan(value) if key.endswith("_fen") else f"{value:,}"
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def note(text: str) -> None:
    """Say something that is not the answer."""
    err.print(text, markup=False)


def note_rest(shown: int, every: int) -> None:
    """Say that a list was cut, where it was."""
    if every > shown:
        note(f"共 {every:,}，只列了 {shown:,}：用 --limit 多列（至多 1000），其余在网页上翻页或导出")


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Progress]:
    """A progress bar on stderr, only where a person watches."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        bar.add_task(label, total=total)
        yield bar
