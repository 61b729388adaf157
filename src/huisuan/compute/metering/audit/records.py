# ruff: noqa: S608 (our own SQL)
"""Records against their leaves, their numbers, their own arithmetic: what was changed, dropped or doubled, by name."""

from __future__ import annotations

from huisuan.compute.metering.audit.folder import LEAVES, RECORDS, OpenedExport
from huisuan.compute.metering.ledger.record_hash import leaf_sql

MOST = 100  # findings of one kind that are named one by one


def check_records(opened: OpenedExport) -> None:
    """Every record is there once, as it was hashed, and adds up."""
    if "record" in opened.unreadable:
        return
    _numbers(opened)
    changed = opened.rows(f"SELECT DISTINCT sequence FROM record WHERE leaf IS DISTINCT FROM {leaf_sql()} ORDER BY 1")
    _find_each(opened, changed, "内容与它的叶（SHA-256）不符")
    wrong = opened.rows(
        "SELECT sequence FROM record WHERE card_seconds <> cards::HUGEINT * (ended - started - suspended_seconds) "
        "OR ended < started OR suspended_seconds < 0 OR cards < 1 ORDER BY 1"
    )
    _find_each(opened, wrong, "卡秒不等于卡数乘以持有的秒数")
    centre = opened.manifest.centre
    _find_each(
        opened, opened.rows("SELECT sequence FROM record WHERE centre <> ? ORDER BY 1", [centre]), "是别的中心的"
    )
    _supersedes(opened)


def _numbers(opened: OpenedExport) -> None:
    """Every number that the batches span, once: as a record, or in a month's export as a leaf."""
    doubled = opened.rows("SELECT sequence, count(*) FROM record GROUP BY 1 HAVING count(*) > 1 ORDER BY 1")
    for sequence, times in doubled[:MOST]:
        opened.find(record_name(sequence), f"在 {RECORDS} 里出现了 {times} 次")
    if "batch" in opened.unreadable or "other" in opened.unreadable:
        return
    there = "SELECT sequence FROM record UNION ALL SELECT sequence FROM other"
    spans = "SELECT first, last FROM batch WHERE ?::BIGINT[] IS NULL OR number IN (SELECT unnest(?::BIGINT[]))"
    touched = None if opened.touched is None else sorted(opened.touched)
    parameters = [touched, touched]
    ((reach, held),) = opened.rows(
        f"SELECT coalesce(sum(last::HUGEINT - first + 1), 0), (SELECT count(*) FROM ({there})) FROM ({spans})",
        parameters,
    )
    if reach > 2 * held + 1_000_000:
        opened.find("账本", f"批次共跨 {reach:,} 条，导出里只有 {held:,} 条")
        return
    spanned = f"SELECT unnest(generate_series(first, last)) AS sequence FROM ({spans})"
    missing = opened.rows(f"SELECT sequence FROM ({spanned} EXCEPT ({there})) ORDER BY 1", parameters)
    _find_each(
        opened, missing, f"不在 {RECORDS} 里" if opened.month is None else f"不在 {RECORDS} 里，也不在 {LEAVES} 里"
    )
    stray = opened.rows(f"SELECT sequence FROM (({there}) EXCEPT {spanned}) ORDER BY 1", parameters)
    _find_each(opened, stray, "没有哪一批包含它")
    both = opened.rows("SELECT sequence FROM record INTERSECT SELECT sequence FROM other ORDER BY 1")
    _find_each(opened, both, f"既在 {RECORDS} 里，又在 {LEAVES} 里")


def _supersedes(opened: OpenedExport) -> None:
    wrong = opened.rows("SELECT sequence FROM record WHERE supersedes >= sequence OR supersedes < 1 ORDER BY 1")
    _find_each(opened, wrong, "更正的不是在它之前的记录")
    twice = opened.rows(
        "SELECT min(sequence), max(sequence), supersedes FROM (SELECT DISTINCT sequence, supersedes FROM record) "
        "WHERE supersedes IS NOT NULL GROUP BY supersedes HAVING count(*) > 1 ORDER BY 1"
    )
    for first, second, superseded in twice[:MOST]:
        opened.find(record_name(second), f"和第 {first} 条更正的是同一条（第 {superseded} 条）")


def record_name(sequence: int) -> str:
    """What a record is called in a finding."""
    return f"第 {sequence} 条记录"


def _find_each(opened: OpenedExport, rows: list[tuple[int, ...]], what: str) -> None:
    for (sequence,) in rows[:MOST]:
        opened.find(record_name(sequence), what)
    if len(rows) > MOST:
        opened.find("用量记录", f"另有 {len(rows) - MOST:,} 条{what}")
