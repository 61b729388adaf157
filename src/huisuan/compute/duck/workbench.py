"""A DuckDB for one piece of work: in memory, off the network, what is too much for its share in the spool. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from huisuan.base.duck import connect_duck, lease_duck

MEMORY = os.environ.get("HUISUAN_READING_MEMORY", "") or "1GB"  # of one connection


_CONFIG = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "memory_limit": MEMORY}


@contextmanager
def workbench() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block; it loads no extension and never reaches for the network."""
    with lease_duck(_CONFIG) as leased:
        yield leased


def lasting_workbench() -> duckdb.DuckDBPyConnection:
    """The same, of one's own until one closes it."""
    return connect_duck(_CONFIG)


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"
