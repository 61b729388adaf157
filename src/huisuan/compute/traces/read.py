"""The one reader of traces: what form it is, its rows judged, and what became of each, counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.reader_tables import count_lines, list_faults, reader_workbench
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.traces import gpu_csv as csv_form
from huisuan.compute.traces import philly as philly_form
from huisuan.compute.traces import swf as swf_form
from huisuan.compute.traces.columns import TraceColumns
from huisuan.compute.traces.judge import judge_rows, map_states
from huisuan.compute.traces.layout import TraceLayout
from huisuan.compute.traces.timestamps import Clock, convert_times

#: rows of a trace that are no job to meter or to replay, with what to call them
KINDS = {
    "never_started": "未曾开始",
    "cpu_only": "不用加速卡",
    "running": "没有结束时间或仍在运行",
    "partial": "检查点或换出作业的分段（已在汇总行中）",
    "repeated": "与前面重复",
}
SECONDS_PER_DAY = 86_400
LOOK = 1 << 16  # bytes: the form shows at the beginning


@dataclass
class TraceRows:
    """A trace that was read: table `judged` of `con` holds its rows, `fault` those refused.

    `dated`: whether its seconds count from 1970; else from an unknown moment.
    """

    con: duckdb.DuckDBPyConnection
    layout: TraceLayout
    notes: list[str]
    dated: bool
    unreadable: list[tuple[int, str]]

    @property
    def refused(self) -> list[tuple[int, str]]:
        """Lines that say nothing usable, with the reason."""
        return sorted([*self.unreadable, *list_faults(self.con)])

    def counts(self) -> dict[str, int]:
        """What became of every line, and the sum of what ran.

        `lines` = `jobs` + those of KINDS + `refused`. Of the jobs, `fractional` took part of a card; `card_seconds`
        count these as whole cards.
        """
        jobs, fractional, card_seconds = self.con.execute("""
            SELECT count(*), count(*) FILTER (fractional),
                coalesce(sum(cards::HUGEINT * (ended - started - suspended)), 0)::HUGEINT
            FROM judged WHERE kind = 'job'
        """).fetchall()[0]
        counted = count_lines(self.con)
        return {
            "lines": counted.get("lines", 0) + len(self.unreadable),
            "jobs": jobs,
            **{kind: counted.get(kind, 0) for kind in KINDS},
            "refused": len(self.refused),
            "fractional": fractional,
            "card_seconds": int(card_seconds),
        }

    def jobs(self, columns: str) -> Iterator[tuple[Any, ...]]:
        """The jobs that ran, by these columns of `judged`, in the order of the file."""
        found = self.con.execute(f"SELECT {columns} FROM judged WHERE kind = 'job' ORDER BY line_no")  # noqa: S608
        while rows := found.fetchmany(1 << 16):
            yield from rows


def parse_trace_rows(source: SourceLines, columns: TraceColumns, clock: Clock) -> TraceRows:
    """Read a trace, whatever its form.

    Raises:
        InvalidRequest: of no known form, or it does not say when, how long or how many cards.
    """
    source.refuse_replaced()
    con = reader_workbench()
    con.register("source_lines", source.lines)
    layout = _fill(con, source, columns)
    con.unregister("source_lines")
    if clock.epoch is None and layout.epoch is not None:
        clock = replace(clock, epoch=layout.epoch)
    dated = clock.epoch is not None or _written_as_dates(con, layout)
    convert_times(con, clock)
    map_states(con)
    judge_rows(con, layout, f"{source.sha256[:12]}-")
    rows = TraceRows(con, layout, list(layout.notes), dated, source.unreadable)
    if clock.shift:
        rows.notes.append(f"所有时间平移了 {clock.shift // SECONDS_PER_DAY:+,} 天；原始行不变")
    if fractional := rows.counts()["fractional"]:
        milli = layout.columns["milli"]
        rows.notes.append(
            f"{fractional:,} 个作业只占一张卡的一部分（{milli}）：卡秒按整卡计，请核对是否应由几个作业分摊"
        )
    return rows


def _fill(con: duckdb.DuckDBPyConnection, source: SourceLines, columns: TraceColumns) -> TraceLayout:
    first = _first_text(source)
    if swf_form.is_swf(first):
        return swf_form.fill_from_swf(con, source, columns)
    if philly_form.is_philly(first):
        return philly_form.fill_from_philly(con, source)
    if not source.line_count:
        raise InvalidRequest(
            f"{source.name} 是空的；应是 SWF、Philly 的 cluster_job_log（JSON），或第一行为表头的 CSV",
            code="usage.file_empty",
        )
    return csv_form.fill_from_csv(con, source, columns)


def _first_text(source: SourceLines) -> str:
    """The first line with anything on it."""
    first = source.content[:LOOK].lstrip(b"\xef\xbb\xbf \t\r\n").split(b"\n", 1)[0]
    return first.decode("utf-8", "replace").rstrip("\r")


def _written_as_dates(con: duckdb.DuckDBPyConnection, layout: TraceLayout) -> bool:
    begins = f"{layout.begins}_"
    found = con.execute(f"SELECT count(*) FROM field WHERE try_strptime({begins}[1:10], '%Y-%m-%d') IS NOT NULL")  # noqa: S608
    return bool(found.fetchall()[0][0])
