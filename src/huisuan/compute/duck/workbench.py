"""A DuckDB for one piece of work: in memory, off the network, what is too much for its share in the spool. Pure."""

from __future__ import annotations

import os
import secrets

import duckdb

from huisuan.base.paths import home

MEMORY = os.environ.get("HUISUAN_READING_MEMORY", "") or "1GB"  # of one connection
SPILL = "spill-"  # begins the name of a folder for what does not fit


def workbench() -> duckdb.DuckDBPyConnection:
    """A connection of its own; it loads no extension and never reaches for the network."""
    spill = home() / f"{SPILL}{os.getpid()}-{secrets.token_hex(4)}"  # made when it is needed, and removed by DuckDB
    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": MEMORY,
            "temp_directory": str(spill),
        },
    )


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"
