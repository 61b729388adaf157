"""SQL on a released table of a million rows: start and answer, and how soon a query over the limit is ended.

Called by `opendata.py`. The peer is DuckDB alone, in a process of its own too, without limits and without a parse.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SQL_S, ENDED_S = 1.5, 6.0
_ROUNDS = 5
_ASKED = "SELECT district, count(*) AS n, sum(CAST(places AS BIGINT)) FROM data GROUP BY district ORDER BY district"
_TOO_LONG = "SELECT count(*) FROM data a, data b, data c WHERE a.name || b.name < c.name"
_TOO_MUCH = "SELECT string_agg(a.name || b.name || c.name) FROM data a, data b, data c"
_ALONE = """
import json, sys, duckdb
con = duckdb.connect()
con.execute("SET threads = 1")
con.execute(f"CREATE VIEW data AS SELECT * FROM read_parquet('{sys.argv[1]}')")
print(json.dumps(con.execute(sys.argv[2]).fetchall(), default=str))
"""


def measure_sql(rows: int) -> dict[str, Any]:
    """Seconds of ours and of the peer, in turns; both must give the same rows."""
    from huisuan.opendata.access import query
    from huisuan.opendata.gate.stores import released_shelf

    table = _table(rows)
    path = released_shelf().path_of(released_shelf().store(table.read_bytes()))
    task = {
        "tables": {"data": str(path)}, "most_rows": query.MOST_ROWS, "most_bytes": query.MOST_BYTES,
    }  # fmt: skip
    ours, alone = [], []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        answer = query._ask({**task, "sql": _ASKED})
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        words = [sys.executable, "-c", _ALONE, str(path), _ASKED]
        peer = subprocess.run(words, capture_output=True, check=True)
        alone.append(time.perf_counter() - begun)
        if [[str(cell) for cell in json.loads(row)] for row in answer["rows"]] != [
            [str(cell) for cell in row] for row in json.loads(peer.stdout)
        ]:
            raise SystemExit("the two gave other rows")
    return {
        "rows": rows, "answer_s": statistics.median(ours), "duckdb_alone_s": statistics.median(alone),
        "ratio": statistics.median(ours) / statistics.median(alone),
        "over_time_s": _ended({**task, "sql": _TOO_LONG}), "over_memory_s": _ended({**task, "sql": _TOO_MUCH}),
    }  # fmt: skip


def _ended(task: dict[str, Any]) -> float:
    """Seconds until a query that cannot be answered is ended."""
    from huisuan.base.errors import InvalidRequest
    from huisuan.opendata.access import query

    begun = time.perf_counter()
    try:
        answer = query._ask(task)
    except InvalidRequest:
        return time.perf_counter() - begun
    if "refused" not in answer:
        raise SystemExit(f"it was answered: {task['sql']}")
    return time.perf_counter() - begun


def _table(rows: int) -> Path:
    """Text in every column, as what was remade."""
    import pyarrow
    from pyarrow import parquet

    from huisuan.base.paths import ensure_folder, home

    districts = ["瑶海区", "庐阳区", "蜀山区", "包河区"]
    found = ensure_folder(home()) / "bench.parquet"
    columns = {
        "name": [f"第{n}停车场" for n in range(rows)], "district": [districts[n % 4] for n in range(rows)],
        "places": [str(n * n % 317) for n in range(rows)],
    }  # fmt: skip
    parquet.write_table(pyarrow.table(columns), found)
    return found
