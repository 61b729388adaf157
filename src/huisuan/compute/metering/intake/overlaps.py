# ruff: noqa: S608 (our own SQL)
"""Runs of one job that exclude each other: repeated with other contents, or overlapping. Never both counted. Pure.

They come of a file cut by `sacct --truncate`, of two clusters whose job ids are the same where the file has no column
Cluster, of a requeue that began before the end, or of somebody who would rather be billed for less.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from huisuan.compute.metering.intake.parsed_file import FileAnomaly, ParsedFile

SAME_CLUSTER = "({0}.cluster = {1}.cluster OR {0}.cluster = '' OR {1}.cluster = '')"
CAUSES = "若是两个集群的作业号相同，请在 --format 中加上 Cluster；若是 sacct -T（--truncate）截断的，请不加 -T 重新导出"
SIGNATURE = """
    string_agg(concat_ws(chr(31), accelerator_id, requested_cards, cards, "user", account, "partition", array_index,
        run, nodes, node_count, submitted, ended, suspended, state, exit_code), chr(30) ORDER BY accelerator_id)
"""
SUSPECTS = f"""
SELECT v.job_id FROM verdict v JOIN stored s ON s.current AND s.job_id = v.job_id AND s.started <> v.started
    AND s.started < v.ended AND s.ended > v.started AND {SAME_CLUSTER.format("s", "v")} WHERE v.verdict = 'record'
UNION SELECT job_id FROM (
    SELECT job_id, started, max(ended) OVER (
        PARTITION BY job_id ORDER BY started, line_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
    FROM (
        SELECT DISTINCT job_id, line_no, started, ended FROM verdict
        WHERE verdict = 'record' AND job_id IN (FROM multi_line_job)
    )
) WHERE reached > started
"""


class JobSpan(NamedTuple):
    """When a line, or a record that is stored, says that a job ran. `records` are those that it is or supersedes."""

    job: str
    cluster: str
    started: int
    ended: int
    line_no: int
    records: tuple[int, ...]

    def clashes(self, other: JobSpan) -> bool:
        """Whether both cannot be: two records of one run that was on two models of card can."""
        same = self.cluster == other.cluster or not self.cluster or not other.cluster
        twice = self.started != other.started or bool(self.line_no and other.line_no)
        return same and twice and self.started < other.ended and other.started < self.ended


def resolve_repeats(parsed: ParsedFile) -> int:
    """Keep one line of those that repeat a run, and none of those that contradict each other; how many repeat.

    Makes `multi_line_job`: the jobs that have more than one line.
    """
    con = parsed.con
    con.execute(f"""
        CREATE TABLE multi_line_job AS
            SELECT job_id FROM reading GROUP BY job_id HAVING min(line_no) <> max(line_no);
        CREATE TABLE repeated_run AS
        SELECT *, count(*) OVER run_ AS lines, max(line_no) OVER run_ AS last,
            min(signature) OVER run_ <> max(signature) OVER run_ AS differs
        FROM (
            SELECT line_no, cluster, job_id, started, bool_and(state = 'RESIZING' AND ended = started) AS nothing,
                {SIGNATURE} AS signature
            FROM reading WHERE job_id IN (FROM multi_line_job) GROUP BY line_no, cluster, job_id, started
        )
        WINDOW run_ AS (PARTITION BY cluster, job_id, started ORDER BY line_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING);
        DELETE FROM repeated_run WHERE lines = 1;
        -- resized in the second in which it began: a piece that holds no time is not another word on the run
        CREATE TABLE repeated_line AS SELECT line_no FROM repeated_run WHERE differs AND nothing AND lines = 2
            UNION ALL SELECT line_no FROM repeated_run WHERE NOT differs AND line_no < last;
    """)
    _refuse_contradictions(parsed)
    con.execute("DELETE FROM reading WHERE line_no IN (FROM repeated_line) OR line_no IN (SELECT line_no FROM fault)")
    ((count,),) = con.execute("SELECT count(*) FROM repeated_line").fetchall()
    return int(count)


def _refuse_contradictions(parsed: ParsedFile) -> None:
    rows = parsed.con.execute("""
        SELECT cluster, job_id, started, list(line_no ORDER BY line_no) FROM repeated_run t
        WHERE differs AND NOT EXISTS (
            SELECT 1 FROM repeated_run o JOIN repeated_line USING (line_no)
            WHERE o.cluster = t.cluster AND o.job_id = t.job_id AND o.started = t.started
        ) GROUP BY ALL ORDER BY started
    """).fetchall()
    for cluster, job, started, lines in rows:
        stays = [line for line in lines if line == parsed.sure_line]
        refused = [line for line in lines if line not in stays]
        where = "、".join(str(line) for line in lines[:5])
        text = f"作业 {job} {_format_time(started)} 起的一次运行在行 {where} 有不同的说法，" + (
            f"只计行 {stays[0]}" if stays else "都没有计量"
        )
        for line in refused:
            parsed.con.execute("INSERT INTO fault VALUES (?, ?)", [line, f"{text}；{CAUSES}"])
        key = f"{cluster} {job} {started}"
        parsed.anomalies.append(FileAnomaly("contradiction", key, f"{text}；{CAUSES}", line_no=refused[-1]))


def hold_overlaps(parsed: ParsedFile) -> None:
    """Take the lines whose time is another's of the same job out of `verdict`, whether stored or in the file."""
    con = parsed.con
    con.execute(f"CREATE TABLE overlap_suspect AS {SUSPECTS}")
    stored = con.execute("""
        SELECT job_id, cluster, started, ended, 0, [sequence] FROM stored
        WHERE current AND ended > started AND job_id IN (FROM overlap_suspect) ORDER BY job_id, sequence
    """).fetchall()
    fresh = con.execute("""
        SELECT job_id, min(cluster), min(started), min(ended), line_no, list(supersedes) FROM verdict
        WHERE verdict = 'record' AND ended > started AND job_id IN (FROM overlap_suspect)
        GROUP BY job_id, line_no ORDER BY job_id, min(started), line_no
    """).fetchall()
    standing = {job: [_span(row) for row in rows] for job, rows in groupby(stored, key=lambda row: row[0])}
    held: list[int] = []
    for job, rows in groupby(fresh, key=lambda row: row[0]):
        for span, other in _clashes((_span(row) for row in rows), standing.get(job, [])):
            held.append(span.line_no)
            what = f"与行 {other.line_no}" if other.line_no else f"与第 {other.records[0]} 条记录"
            text = (
                f"作业 {job} {_format_time(span.started)} 至 {_format_time(span.ended)} {what}"
                f"（{_format_time(other.started)} 至 {_format_time(other.ended)}）重叠，没有计量；{CAUSES}"
            )
            con.execute("INSERT INTO fault VALUES (?, ?)", [span.line_no, text])
            key = f"{span.cluster} {job} {span.started} {span.ended}"
            parsed.anomalies.append(FileAnomaly("overlap", key, text, line_no=span.line_no))
    con.execute("UPDATE verdict SET verdict = 'overlap' WHERE line_no IN (SELECT unnest(?::BIGINT[]))", [held])


def _clashes(fresh: Iterable[JobSpan], standing: list[JobSpan]) -> Iterable[tuple[JobSpan, JobSpan]]:
    """The lines that cannot be beside what stands, each with what it meets; those that can are added to it."""
    for span in fresh:
        others = [
            span_before
            for span_before in standing
            if not set(span_before.records) & set(span.records) or span_before.line_no
        ]
        other = next((candidate for candidate in others if span.clashes(candidate)), None)
        if other is None:
            standing = [*others, span]
        else:
            yield span, other


def _span(row: tuple[str, str, int, int, int, list[int | None]]) -> JobSpan:
    job, cluster, started, ended, line_no, records = row
    return JobSpan(job, cluster, started, ended, line_no, tuple(record for record in records if record is not None))


def _format_time(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
