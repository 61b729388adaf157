"""A usage file as a reader leaves it: its tables in DuckDB, and its notes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

#: Optional columns: where a file lacks one, what is stored of a known record stays as it is.
OPTIONAL = (
    "array_index", "user", "account", "partition", "requested_cards", "nodes", "node_count", "submitted", "suspended",
    "exit_code",
)  # fmt: skip


@dataclass(frozen=True)
class FileAnomaly:
    """Something in a file to flag: a kind of flag, what it is about (flagged once), and its line where there is one."""

    kind: str
    key: str
    text: str
    line_no: int = 0
    sequence: int | None = None


@dataclass
class ParsedFile:
    """The DuckDB connection that holds a file's tables (`intake.tables`), and what else to know of the file.

    `sure_line` is a record that stays whatever another line of the file says of the same run. `corrections` wait for a
    person: what to flag, and the record that each would become; its text names parties as `party_names` does.
    """

    con: duckdb.DuckDBPyConnection
    given: set[str] = field(default_factory=set)  # the optional columns that the file has
    notes: list[str] = field(default_factory=list)
    fractional: int = 0  # records of jobs that took a part of a card
    anomalies: list[FileAnomaly] = field(default_factory=list)
    corrections: list[tuple[FileAnomaly, dict[str, Any]]] = field(default_factory=list)
    party_names: Mapping[int, str] = field(default_factory=dict)
    sure_line: int | None = None
    no_cards: dict[str, int] = field(default_factory=dict)  # lines that should have a (whole) card, by kind
