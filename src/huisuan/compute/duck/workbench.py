"""A DuckDB for one piece of work: in memory, off the network, what is too much for its share in the spool. Pure."""

from __future__ import annotations

import os

import duckdb

from huisuan.base.duck import connect_duck

MEMORY = os.environ.get("HUISUAN_READING_MEMORY", "") or "1GB"  # of one connection


def workbench() -> duckdb.DuckDBPyConnection:
    """A connection of its own; it loads no extension and never reaches for the network."""
    config = {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "memory_limit": MEMORY,
    }  # fmt: skip
    return connect_duck(config)


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"
