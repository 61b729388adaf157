# ruff: noqa: S608 (our own SQL)
"""Corrections by a later file that make a finished record smaller, empty or another's wait for a person. Pure (DuckDB).

One that makes a run longer is taken as before: a run that was cut by its file or went on is the ordinary case, and more
than a centre has is flagged. One that takes from a record what was metered is what somebody would forge; so does one
to other cards, which have another price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from huisuan.compute.metering.intake.overlaps import SAME_CLUSTER
from huisuan.compute.metering.intake.parsed_file import FileAnomaly, ParsedFile

#: why a correction waits, by what it does
_WAITS = """
CASE WHEN cards::BIGINT * (ended - started - suspended) < known_card_seconds THEN 'smaller'
    WHEN accelerator_id <> known_accelerator THEN 'model'
    WHEN known_user <> '' AND "user" <> known_user OR known_account <> '' AND account <> known_account THEN 'moved'
    WHEN known_party IS NOT NULL AND party_id IS DISTINCT FROM known_party THEN 'moved' END
"""
#: what a record is made of, as a pending correction keeps it
COLUMNS = {
    "line_no": "BIGINT", "supersedes": "BIGINT", "cluster": "VARCHAR", "job_id": "VARCHAR", "run": "INTEGER",
    "array_index": "INTEGER", "user": "VARCHAR", "account": "VARCHAR", "party_id": "BIGINT", "partition": "VARCHAR",
    "accelerator_id": "BIGINT", "model": "VARCHAR", "requested_cards": "INTEGER", "cards": "INTEGER",
    "nodes": "VARCHAR", "node_count": "INTEGER", "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT",
    "suspended": "BIGINT", "state": "VARCHAR", "exit_code": "VARCHAR", "raw_sha256": "VARCHAR",
    "content_sha256": "VARCHAR",
}  # fmt: skip


def hold_corrections(parsed: ParsedFile) -> list[tuple[FileAnomaly, dict[str, Any]]]:
    """Take such corrections out of `verdict`; each as it is to be flagged, with the record that it would become."""
    con = parsed.con
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    con.execute(f"""
        CREATE TABLE held_correction AS SELECT * FROM (
            SELECT *, {_WAITS} AS waits FROM verdict WHERE verdict = 'record' AND supersedes IS NOT NULL
        ) WHERE waits IS NOT NULL;
        UPDATE verdict SET verdict = 'waiting'
            WHERE (line_no, accelerator_id) IN (SELECT (line_no, accelerator_id) FROM held_correction);
    """)
    rows = con.execute(f"""
        SELECT known_card_seconds, cards::BIGINT * (ended - started - suspended), known_user, known_account, waits,
            known_party, mapping, {names}
        FROM held_correction ORDER BY line_no, accelerator_id
    """).fetchall()
    found = [(_Known(*row[:7]), dict(zip(COLUMNS, row[7:], strict=True))) for row in rows]
    return [(_anomaly(record, known, parsed.party_names), record) for known, record in found]


def flag_emptied_runs(parsed: ParsedFile) -> None:
    """Flag runs that are metered and that, by this file, held no cards: the record stays as it is."""
    rows = parsed.con.execute(f"""
        SELECT e.line_no, s.sequence, s.job_id, s.card_seconds FROM cardless_run e JOIN stored s
            ON s.current AND s.card_seconds > 0 AND s.job_id = e.job_id AND s.started = e.started
                AND {SAME_CLUSTER.format("s", "e")}
        WHERE NOT EXISTS (SELECT 1 FROM reading r WHERE r.job_id = e.job_id AND r.started = e.started)
        ORDER BY e.line_no
    """).fetchall()
    for line_no, sequence, job, seconds in rows:
        text = (
            f"第 {sequence} 条记录（作业 {job}）计了 {seconds:,} 卡秒，后来的文件行 {line_no} 说它没有用卡。"
            "记录未改：多半是导出时 AccountingStorageTRES 缺少卡；若确实没有用卡，请由中心出具说明"
        )
        parsed.anomalies.append(FileAnomaly("correction", f"{sequence} emptied", text, line_no, sequence))


class _Known(NamedTuple):
    """What is known of the record that a correction would take the place of, and why it waits."""

    card_seconds: int
    corrected_seconds: int
    user: str
    account: str
    waits: str
    party: int | None
    mapping: str | None


def _anomaly(record: dict[str, Any], known: _Known, names: Mapping[int, str]) -> FileAnomaly:
    job, sequence, party = record["job_id"], record["supersedes"], record["party_id"]
    text = (
        f"第 {sequence} 条记录（作业 {job}）：后来的文件改为 {known.corrected_seconds:,} 卡秒，"
        f"原为 {known.card_seconds:,}"
    )
    if (known.user, known.account) != (record["user"], record["account"]):
        text += f"；改为用户 {record['user']}、账户 {record['account']}，原为 {known.user}、{known.account}"
    if known.waits == "model":
        text += f"；型号改为 {record['model']}"
    if known.party != party:
        text += f"；主体由 {_name(known.party, names)} 改为 {_name(party, names)}"
    text += "。记录未改：查实后用 huisuan meter answer 编号 说明 --accept 接受，或不加 --accept 驳回"
    key = f"{sequence} {record['content_sha256']} {party or ''}"
    if known.party != party and known.mapping:
        key += f" {known.mapping}"  # refused once, it is asked again when somebody maps the account anew
    return FileAnomaly("correction", key, text, record["line_no"], sequence)


def _name(party: int | None, names: Mapping[int, str]) -> str:
    return "无主" if party is None else names.get(party, f"#{party}")
