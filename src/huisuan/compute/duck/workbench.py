"""DuckDB for one import: a connection in a folder of its own, rows loaded, literals quoted. Pure."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from huisuan.base.paths import home
from huisuan.compute.duck.reader_tables import READING


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


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"


MEMORY = os.environ.get("HUISUAN_READING_MEMORY", "") or "1GB"  # of one import


SPILL = "spill-"
