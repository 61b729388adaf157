# ruff: noqa: S608 (names of columns come from our own lists; values are quoted by `literal`)
"""Where a trace says what, and the table of texts that every form fills: `field`, one row per job's line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

#: what a row may say, as texts; `paused`: seconds between start and end in which the job held no cards
_TEXTS = (
    "job", "user", "account", "submit", "start", "end", "duration", "cards", "state", "limit", "models", "milli",
    "paused",
)  # fmt: skip


@dataclass
class TraceLayout:
    """How a trace is laid out. `columns`: what the file calls the things that it has, for messages.

    `epoch`: the zero of its seconds, where the file itself says so.
    """

    form: str
    columns: dict[str, str]
    epoch: int | None = None
    notes: list[str] = field(default_factory=list)

    def has(self, what: str) -> bool:
        """Whether the trace says this at all."""
        return what in self.columns

    @property
    def begins(self) -> str:
        """What a job's begin is read from: `start`, or `submit` where nothing says when it started."""
        return "start" if self.has("start") else "submit"


def fill_fields(con: duckdb.DuckDBPyConnection, expressions: Mapping[str, str], rows: str) -> None:
    """Make `field` from the rows of a query; what has no expression is NULL."""
    cells = ", ".join(f"{expressions.get(name, 'NULL::VARCHAR')} AS {name}_" for name in _TEXTS)
    con.execute(f"CREATE TABLE field AS SELECT line_no, line, {cells} FROM ({rows})")


def add_faults(con: duckdb.DuckDBPyConnection, faults: Iterable[tuple[int, str]]) -> None:
    """Note lines that say nothing usable, with the reason."""
    held = list(faults)
    if held:
        con.executemany("INSERT INTO fault VALUES (?, ?)", held)
