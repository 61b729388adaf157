"""The tables that every reader of a usage file fills, whatever the file's format. Pure."""

from __future__ import annotations

import duckdb

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.workbench import lasting_workbench

_MOST_FAULTS = 1_000_000
#: the longest text that the platform keeps of a field, in characters
MOST_CHARACTERS = {"cluster": 60, "job_id": 80, "user": 120, "account": 120, "partition": 60, "exit_code": 12}

#: one row per line and model of card, ready to become a record; times are UTC seconds
READING = DuckRelation("reading", {
    "line_no": "BIGINT", "cluster": "VARCHAR", "job_id": "VARCHAR", "array_index": "INTEGER", "run": "INTEGER",
    "user": "VARCHAR", "account": "VARCHAR", "partition": "VARCHAR", "accelerator_id": "BIGINT", "model": "VARCHAR",
    "requested_cards": "INTEGER", "cards": "INTEGER", "nodes": "VARCHAR", "node_count": "INTEGER",
    "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT", "suspended": "BIGINT", "state": "VARCHAR",
    "exit_code": "VARCHAR", "raw_sha256": "VARCHAR", "job_name": "VARCHAR",
})  # fmt: skip
#: each text of a state in the file, the word that it means, and its kind
STATE_MAP = DuckRelation("state_map", {"text": "VARCHAR", "word": "VARCHAR", "kind": "VARCHAR"})
#: lines that are refused, with the reason
FAULT = DuckRelation("fault", {"line_no": "BIGINT", "reason": "VARCHAR"})
#: lines that are rightly no record, by kind
LINE_COUNT = DuckRelation("line_count", {"kind": "VARCHAR", "lines": "BIGINT"})
#: runs that, by the file, held no cards
CARDLESS_RUN = DuckRelation(
    "cardless_run", {"line_no": "BIGINT", "cluster": "VARCHAR", "job_id": "VARCHAR", "started": "BIGINT"}
)
#: runs of the jobs that have several lines, to number them
SEEN_RUN = DuckRelation("seen_run", {
    "job_id": "VARCHAR", "cluster": "VARCHAR", "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT",
})  # fmt: skip


def reader_workbench() -> duckdb.DuckDBPyConnection:
    """A workbench with these tables, empty."""
    con = lasting_workbench()
    for relation in (READING, FAULT, LINE_COUNT, CARDLESS_RUN, SEEN_RUN):
        relation.create(con)
    return con


def count_lines(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Lines that became no record, by kind."""
    return dict(con.execute("SELECT kind, sum(lines)::BIGINT FROM line_count GROUP BY kind").fetchall())


def list_faults(con: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Refused lines and why, by line number.

    Raises:
        InvalidRequest: there are more than anyone could read, or this process hold.
    """
    (many,) = con.execute("SELECT count(DISTINCT line_no) FROM fault").fetchall()[0]
    if many > _MOST_FAULTS:
        line, reason = con.execute("SELECT line_no, reason FROM fault ORDER BY line_no LIMIT 1").fetchall()[0]
        raise InvalidRequest(
            f"{many:,} 行不能用，没有导入任何一行；请先核对文件。第一处：行 {line}，{reason}",
            code="usage.too_many_faults",
        )
    return con.execute("SELECT line_no, min(reason) FROM fault GROUP BY line_no ORDER BY line_no").fetchall()
