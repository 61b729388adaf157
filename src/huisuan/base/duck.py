"""DuckDB in memory; what is too much for memory goes to the home's folder for work in progress."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from huisuan.base.temporary import process_folder

if TYPE_CHECKING:
    import duckdb

#: engines that nobody works on, by process and configuration: making one takes fifteen milliseconds of a processor
_idle: dict[tuple[int, tuple[tuple[str, str], ...]], list[duckdb.DuckDBPyConnection]] = {}
_taking = threading.Lock()
_MOST_IDLE = 2  # of a configuration


def connect_duck(config: Mapping[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to an engine of its own. DuckDB's default is a folder `.tmp` wherever the process happens to be."""
    import duckdb

    return duckdb.connect(":memory:", config={**(config or {}), "temp_directory": _spill_folder()})


@contextmanager
def lease_duck(config: Mapping[str, str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an engine that nobody else uses for the block, with an empty database; settings stay untouched.

    The database goes when the block ends, and the engine is kept for the next one; where the block fails, both go.
    """
    key = os.getpid(), tuple(sorted((config or {}).items()))  # an engine does not outlive a fork
    with _taking:
        engine = _idle[key].pop() if _idle.get(key) else None
    if engine is None:
        engine = connect_duck(config)
    else:
        engine.execute(f"SET temp_directory = '{_spill_folder()}'")  # this process may work on another home by now
    try:
        with engine.cursor() as leased:
            leased.execute("ATTACH ':memory:' AS work")
            leased.execute("USE work")
            yield leased
            leased.execute("USE memory")
            leased.execute("DETACH work")
    except BaseException:
        engine.close()
        raise
    with _taking:
        if len(_idle.setdefault(key, [])) < _MOST_IDLE:
            _idle[key].append(engine)
            return
    engine.close()


def _spill_folder() -> str:
    """Made by DuckDB when it is needed, and removed by it."""
    return str(process_folder() / f"duckdb-{secrets.token_hex(4)}").replace("'", "''")
