"""The process that answers one query and ends: DuckDB over named Parquet files, and nothing else. No Django.

It reads a task from its input and writes one line of JSON. Limits of the process bound it where DuckDB's own do not:
memory, files (none is written), processor; the clock is held by its parent.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from typing import Any

import duckdb

from huisuan.opendata.access.query_parse import QueryRefused, check_query

_MEMORY_ENDED = 3
_ADDRESSES = 1536 * 1024 * 1024


def answer(task: dict[str, Any]) -> dict[str, Any]:
    """The rows of a query, up to the limits of the task; or why there are none."""
    try:
        con = _workbench(task["tables"])
        check_query(con, task["sql"], task["tables"])
        found = con.execute(task["sql"])
        columns = [each[0] for each in found.description or []]
        return {"columns": columns, **_rows(found, task["most_rows"], task["most_bytes"])}
    except QueryRefused as refused:
        return {"refused": refused.args[0], "word": refused.args[1]}
    except (duckdb.OutOfMemoryException, MemoryError):
        return {"refused": "memory", "word": ""}
    except duckdb.Error as error:
        return {"refused": "failed", "word": _without_paths(str(error), task["tables"])}


def _workbench(tables: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """A database in memory that sees these files as views, and takes no further setting."""
    con = duckdb.connect(
        ":memory:",
        config={
            "threads": 1, "memory_limit": "448MB", "temp_directory": "", "autoinstall_known_extensions": False,
            "autoload_known_extensions": False, "allow_community_extensions": False,
            "python_enable_replacements": False,
        },
    )  # fmt: skip
    con.execute("SET allowed_paths = ?", [list(tables.values())])
    con.execute("SET enable_external_access = false")
    for name, path in tables.items():
        quoted = path.replace("'", "''")
        con.execute(f"CREATE VIEW \"{name}\" AS SELECT * FROM read_parquet('{quoted}')")  # noqa: S608 - all ours
    con.execute("SET lock_configuration = true")
    return con


def _rows(found: duckdb.DuckDBPyConnection, most_rows: int, most_bytes: int) -> dict[str, Any]:
    rows: list[str] = []
    size = 0
    while piece := found.fetchmany(1000):
        for row in piece:
            written = json.dumps([_plain(cell) for cell in row], ensure_ascii=False)
            size += len(written.encode())
            if len(rows) >= most_rows or size > most_bytes:
                return {"rows": rows, "cut": "rows" if len(rows) >= most_rows else "bytes"}
            rows.append(written)
    return {"rows": rows, "cut": ""}


def _plain(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, (str, bool)) or type(cell) is int else str(cell)


def _without_paths(message: str, tables: dict[str, str]) -> str:
    """The first line of an error, with no place of this machine in it."""
    line = message.splitlines()[0] if message else ""
    for name, path in tables.items():
        line = line.replace(path, name)
    return re.sub(r"(?:/[\w.+-]+){2,}/?", "…", line)[:300]


def _child(memory: str, seconds: str) -> int:
    task = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))  # what it writes to
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))  # with libraries and what is only reserved
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sys.stdout.write(json.dumps(answer(task), ensure_ascii=False))
    except MemoryError:
        return _MEMORY_ENDED
    return 0


if __name__ == "__main__":
    sys.exit(_child(*sys.argv[1:]))
