"""The tables that every reader of a usage file fills, whatever the file's format. Pure.

`reading` has one row per line and model, ready to become a record; `fault` the lines refused, with the reason;
`counted` the lines that are rightly no record, by kind; `emptied` the runs that, by the file, held no cards; `lifeline`
the runs of jobs that have several lines, to number them.
"""

from __future__ import annotations

import duckdb

from huisuan.base.errors import InvalidRequest

MOST_FAULTS = 1_000_000
#: the longest text that the platform keeps of a field
LONGEST = {"cluster": 60, "job_id": 80, "user": 120, "account": 120, "partition": 60, "exit_code": 12}


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
        raise InvalidRequest(
            f"{many:,} 行不能用，没有导入任何一行；请先核对文件。第一处：行 {line}，{reason}",
            code="usage.too_many_faults",
        )
    return con.execute("SELECT line_no, min(reason) FROM fault GROUP BY line_no ORDER BY line_no").fetchall()


#: created with the connection
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
