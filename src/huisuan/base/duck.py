"""DuckDB in memory; what is too much for memory goes to the home's folder for work in progress."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from huisuan.base.temporary import process_folder

if TYPE_CHECKING:
    import duckdb


def connect_duck(config: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to an engine of its own. DuckDB's default is a folder `.tmp` wherever the process happens to be."""
    import duckdb

    spill = process_folder() / f"duckdb-{secrets.token_hex(4)}"  # made when it is needed, and removed by DuckDB
    return duckdb.connect(":memory:", config={**(config or {}), "temp_directory": str(spill)})
