"""What a file says, whatever its format: the tables in DuckDB that every reader fills. Pure.

A reader leaves three tables: `reading` (one row per line and model, ready to become a record), `fault` (lines
refused, with the reason) and `counted` (lines that are rightly no record, by kind). `emptied` are runs
that, by the file, held no cards.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from huisuan.base.paths import home
from huisuan.terminal import Refused

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
MEMORY = os.environ.get("HUISUAN_READING_MEMORY", "") or "1GB"  # of one import
SPILL = "spill-"
MOST_FAULTS = 1_000_000
#: the longest text that the platform keeps of a field
LONGEST = {"cluster": 60, "job_id": 80, "user": 120, "account": 120, "partition": 60, "exit_code": 12}

READING = """
CREATE TABLE reading (
    line_no BIGINT, cluster VARCHAR, job_id VARCHAR, array_index INTEGER, run INTEGER, "user" VARCHAR,
    account VARCHAR, "partition" VARCHAR, accelerator_id BIGINT, model VARCHAR, requested_cards INTEGER,
    cards INTEGER, nodes VARCHAR, node_count INTEGER, submitted BIGINT, started BIGINT, ended BIGINT,
    suspended BIGINT, state VARCHAR, exit_code VARCHAR, raw_sha256 VARCHAR, job_name VARCHAR
);
CREATE TABLE fault (line_no BIGINT, reason VARCHAR);
CREATE TABLE counted (kind VARCHAR, lines BIGINT);
CREATE TABLE emptied (line_no BIGINT, cluster VARCHAR, job_id VARCHAR, started BIGINT);
CREATE TABLE lifeline (job_id VARCHAR, cluster VARCHAR, submitted BIGINT, started BIGINT, ended BIGINT);
"""


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


def workbench() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that never reaches for the network; what is too much for its share goes to the spool."""
    spill = home() / f"{SPILL}{os.getpid()}-{secrets.token_hex(4)}"  # made when it is needed, and removed by DuckDB
    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY,
            "temp_directory": str(spill),
        },
    )
    con.execute(READING)
    return con


def load_rows(con: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema, rows: Iterable[Sequence[Any]]) -> None:
    """Make a table of rows that Python worked out, such as what each distinct AllocTRES means."""
    held = list(rows)
    columns = [[row[place] for row in held] for place in range(len(schema.names))]
    arrow = pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema
    )
    con.register("_rows", arrow)
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM _rows")  # noqa: S608 (our own names)
    con.unregister("_rows")


def count_lines(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Lines that became no record, by kind."""
    return dict(con.execute("SELECT kind, sum(lines)::BIGINT FROM counted GROUP BY kind").fetchall())


def faults(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Refused lines and why, by line number.

    Raises:
        Refused: there are more than anyone could read, or this process hold.
    """
    (many,) = con.execute("SELECT count(DISTINCT line_no) FROM fault").fetchall()[0]
    if many > MOST_FAULTS:
        line, reason = con.execute("SELECT line_no, reason FROM fault ORDER BY line_no LIMIT 1").fetchall()[0]
        raise Refused(f"{many:,} 行不能用，没有导入任何一行；请先核对文件。第一处：行 {line}，{reason}")
    return con.execute("SELECT line_no, min(reason) FROM fault GROUP BY line_no ORDER BY line_no").fetchall()


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"
