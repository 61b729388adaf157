# ruff: noqa: S608 (our own SQL)
"""Records of the platform's jobs against its placements: no use outside the time that their run can have had."""

from __future__ import annotations

from typing import Any

from huisuan.compute.metering.audit.batches import batch_name
from huisuan.compute.metering.audit.folder import LEASES, OpenedExport
from huisuan.compute.metering.audit.records import MOST, record_name
from huisuan.compute.metering.checks.run_bounds import most_seconds

#: An agent's records with their line's lease (the first of that number: a doubled row is found elsewhere), when they
#: were received in whole seconds, and whether another record of the export corrects them.
_TIMED = """
CREATE TABLE timed AS
SELECT r.sequence, r.job_id, r.run, r.started, r.ended, r.cards, r.model, s.lease,
    (b.received + 999999) // 1000000 AS received, l.placed, l.until, l.run AS lease_run, l.cards AS lease_cards,
    l.model AS lease_model,
    r.sequence NOT IN (SELECT supersedes FROM record WHERE supersedes IS NOT NULL) AS current
FROM record r
JOIN (SELECT DISTINCT source FROM source WHERE format = 'agent') f USING (source)
JOIN batch b ON r.sequence BETWEEN b.first AND b.last
LEFT JOIN parsed_line s ON s.source = r.source AND s.line_no = r.source_line
LEFT JOIN (SELECT DISTINCT ON (uid, lease) * FROM lease ORDER BY uid, lease) l
    ON l.uid = r.job_id AND l.lease = s.lease
"""
_OVER = "least(received, coalesce(until, received))"


def check_leases(opened: OpenedExport, clock_seconds: int) -> None:
    """Every record of an agent's lies in the time of its lease, and a run is no longer than that.

    Args:
        opened: with the tables of `check_lines`.
        clock_seconds: by which a centre's clock may differ from the platform's.
    """
    if {"record", "batch", "source"} & opened.unreadable:
        return
    _senders(opened, clock_seconds)
    opened.con.execute(_TIMED)
    if "lease" in opened.unreadable or not _are_there(opened):
        return
    _find_each(opened, "placed IS NULL", "它的作业没有这次调度")
    _find_each(
        opened,
        "placed IS NOT NULL AND (lease_run, lease_cards, lease_model) IS DISTINCT FROM (run, cards, model)",
        "与调度所给的运行、卡数或型号不符",
    )
    _find_each(opened, f"started < placed - {clock_seconds}", "开始早于调度")
    _find_each(opened, f"ended > {_OVER} + {clock_seconds}", "结束晚于平台收到它，或晚于平台得知运行结束")
    _lengths(opened)
    _overlaps(opened)


def _senders(opened: OpenedExport, clock_seconds: int) -> None:
    rows = opened.rows(
        "SELECT number, (sent - received) // 1000000 FROM batch WHERE abs(sent - received) > ?::BIGINT * 1000000 "
        "ORDER BY number",
        [clock_seconds + 1],
    )
    for number, off in rows[:MOST]:
        opened.find(batch_name(number), f"站点代理发出时的时钟与平台收到时相差 {off:,} 秒，不该收下")


def _are_there(opened: OpenedExport) -> bool:
    if LEASES in opened.manifest.files:
        return True
    if opened.rows("SELECT 1 FROM timed LIMIT 1"):
        opened.find(LEASES, "不在导出里：站点代理的记录无从与调度对照")
    return False


def _lengths(opened: OpenedExport) -> None:
    rows = opened.rows(f"""
        SELECT job_id, run, min(sequence), max(ended) - min(started), sum(ended - started), min(placed), max({_OVER})
        FROM timed WHERE current AND placed IS NOT NULL AND ended > started GROUP BY job_id, run ORDER BY 3
    """)
    wrong = [row for row in rows if max(row[3], row[4]) > most_seconds(row[5], row[6])]
    for uid, run, sequence, span, held, placed, over in wrong[:MOST]:
        opened.find(
            record_name(sequence),
            f"作业 {uid} 第 {run} 次运行共跨 {span:,} 秒、合计 {held:,} 秒，而从调度起只过了 {over - placed:,} 秒",
        )


def _overlaps(opened: OpenedExport) -> None:
    """The next run may begin in the second in which the one before ended."""
    rows: list[tuple[Any, ...]] = opened.rows("""
        SELECT sequence, job_id, before FROM (
            SELECT sequence, job_id, run, started, lag(sequence) OVER w AS before, lag(ended) OVER w AS ended_before,
                lag(run) OVER w AS run_before
            FROM timed WHERE current AND ended > started WINDOW w AS (PARTITION BY job_id ORDER BY started, ended)
        ) WHERE started < ended_before - CASE WHEN run = run_before THEN 0 ELSE 1 END ORDER BY 1
    """)
    for sequence, uid, before in rows[:MOST]:
        opened.find(record_name(sequence), f"与第 {before} 条记录是作业 {uid} 的同一段时间")


def _find_each(opened: OpenedExport, where: str, what: str) -> None:
    rows = opened.rows(f"SELECT sequence FROM timed WHERE {where} ORDER BY 1")
    for (sequence,) in rows[:MOST]:
        opened.find(record_name(sequence), what)
    if len(rows) > MOST:
        opened.find("用量记录", f"另有 {len(rows) - MOST:,} 条{what}")
