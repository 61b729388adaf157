"""What a file says, whatever its format: the tables in DuckDB that every reader fills. Pure.

A reader leaves three tables: `reading` (one row per line and model, ready to become a record), `fault` (lines
refused, with the reason) and `counted` (lines that are rightly no record, by kind). `emptied` are runs
that, by the file, held no cards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

#: Optional columns: where a file lacks one, what is stored of a known record stays as it is.
OPTIONAL = (
    "array_index",
    "user",
    "account",
    "partition",
    "requested_cards",
    "nodes",
    "node_count",
    "submitted",
    "suspended",
    "exit_code",
)


@dataclass(frozen=True)
class Suspicion:
    """Something in a file to flag: a kind of flag, what it is about (flagged once), and its line where there is one."""

    kind: str
    key: str
    text: str
    line_no: int = 0
    sequence: int | None = None


@dataclass
class Reading:
    """A file that was read: the DuckDB connection that holds its tables, and what else to know of it.

    `sure_line` is a record that stays whatever another line of the file says of the same run. `corrections` wait for a
    person: what to flag, and the record that each would become.
    """

    con: duckdb.DuckDBPyConnection
    given: set[str] = field(default_factory=set)  # the optional columns that the file has
    notes: list[str] = field(default_factory=list)
    fractional: int = 0  # records of jobs that took a part of a card
    suspicions: list[Suspicion] = field(default_factory=list)
    corrections: list[tuple[Suspicion, dict[str, Any]]] = field(default_factory=list)
    sure_line: int | None = None
    no_cards: dict[str, int] = field(default_factory=dict)  # lines that should have a (whole) card, by kind
