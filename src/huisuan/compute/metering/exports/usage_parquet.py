# ruff: noqa: S608 (names of columns come from our own lists; paths are quoted)
"""Current usage records of an interval as one Parquet file: what settlement reads.

What is sealed is read from the sealed months' files, each checked against its seal first; the rest from the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from django.db import connection
from django.db.models import Q

from huisuan.base.errors import Conflict
from huisuan.base.months import Month
from huisuan.base.temporary import temporary_folder
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.workbench import literal, workbench
from huisuan.compute.metering.exports.settled_usage import SETTLED_USAGE, check_settled_usage
from huisuan.compute.metering.ledger.stored_records import copy_out
from huisuan.compute.metering.seals.queries import sealed_parquet
from huisuan.compute.metering.seals.seal_month import in_seal_of_month
from huisuan.compute.metering.usage.records import current_usage, overlapping
from huisuan.compute.models import Seal, UsageRecord

_TYPES = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in SETTLED_USAGE.items()) + "}"

#: sealed records as far as they are settled, the corrections of them, and up to where each centre's ledger is read
SEALED = DuckRelation("sealed", SETTLED_USAGE)
CORRECTED = DuckRelation("corrected", {"centre": "VARCHAR", "supersedes": "BIGINT", "sequence": "BIGINT"})
READ_UNTIL = DuckRelation("read_until", {"centre": "VARCHAR", "centre_id": "BIGINT", "cursor": "BIGINT"})


@dataclass(frozen=True)
class SealedFile:
    """A sealed month that holds records of an interval, and its file, which is as it was sealed."""

    seal: Seal
    path: str


def export_usage(
    path: Path,
    cursors: Mapping[str, int] | None,
    from_utc: datetime,
    to_utc: datetime,
    sealed: Sequence[SealedFile] | None = None,
) -> int:
    """Write the current records that overlap an interval to a Parquet file, in order of centre and sequence.

    Args:
        path: the file; written whole or not at all.
        cursors: centre code -> last sequence read; None: all there is.
        from_utc: the interval's first moment.
        to_utc: the moment after its last. A record without length counts if it lies within.
        sealed: what `sealed_usage` gave for the same interval, where it was asked before.

    Returns:
        The number of records written. `party` is the USCC or null, `centre` the code.

    Raises:
        Conflict: a sealed month is not as it was sealed.
        Unavailable: its file is gone.
    """
    if sealed is None:
        sealed = sealed_usage(cursors, from_utc, to_utc)
    draft = path.with_name(f".{path.name}.draft")
    with temporary_folder() as folder, workbench() as con:
        unsealed = _unsealed(folder / "usage.csv", cursors, (from_utc, to_utc), sealed)
        _sealed(con, cursors, (from_utc, to_utc), sealed)
        con.execute(f"CREATE VIEW usage AS FROM sealed UNION ALL FROM {unsealed}")
        check_settled_usage(dict(con.execute("SELECT column_name, column_type FROM (DESCRIBE usage)").fetchall()))
        (written,) = con.execute(
            f"COPY (SELECT * FROM usage ORDER BY centre_id, sequence) "
            f"TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()[0]
    draft.replace(path)
    return int(written)


def sealed_usage(cursors: Mapping[str, int] | None, from_utc: datetime, to_utc: datetime) -> list[SealedFile]:
    """The sealed months, by centre and month, that hold records of an interval: what a settlement of it rests on.

    Raises:
        Conflict: a sealed month is not as it was sealed, or the database holds other records for it.
        Unavailable: its file is gone.
    """
    seals = Seal.objects.select_related("centre").order_by("centre__code", "month")
    if cursors is not None:
        seals = seals.filter(centre__code__in=list(cursors))
    span = (int(from_utc.timestamp()), int(to_utc.timestamp()))
    found: list[SealedFile] = []
    before: dict[int, Seal] = {}
    with workbench() as con:
        for seal in seals:
            previous, before[seal.centre_id] = before.get(seal.centre_id), seal
            if Month.containing(seal.month).ends <= span[0] or not seal.records:
                continue
            file = SealedFile(seal, sealed_parquet(seal))
            holds = con.execute(
                f"SELECT 1 FROM read_parquet({literal(file.path)}) WHERE {_overlaps(*span)} LIMIT 1"
            ).fetchall()
            if holds:
                _refuse_other_records(seal, previous)
                found.append(file)
    return found


def _refuse_other_records(seal: Seal, previous: Seal | None) -> None:
    """Refuse where the database's records of a sealed month are not as many, or not as much, as were sealed."""
    before = None
    if previous is not None:
        before = (datetime.fromtimestamp(Month.containing(previous.month).ends, UTC), previous.last_sequence)
    where, parameters = in_seal_of_month(Month.containing(seal.month), before)
    query = "SELECT count(*), coalesce(sum(card_seconds), 0)::bigint FROM compute_usagerecord u WHERE centre_id = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"{query} AND sequence <= %s AND {where}", [seal.centre_id, seal.last_sequence, *parameters])
        records, card_seconds = cursor.fetchone()
    if (records, card_seconds) != (seal.records, seal.card_seconds):
        code, month = seal.centre.code, Month.containing(seal.month)
        raise Conflict(
            f"智算中心 {code} 的 {month} 封了 {seal.records:,} 条、{seal.card_seconds:,} 卡秒"
            f"（默克尔根 {seal.root[:12]}…），数据库里却是 {records:,} 条、{card_seconds:,} 卡秒："
            f"请用 huisuan meter verify {code} 查清，再结算",
            code="seal.records_differ",
        )


def _overlaps(first: int, last: int) -> str:
    """`queries.overlapping` for a sealed file."""
    within = f"(started = ended AND started >= {first} AND started < {last})"
    return f"((started < {last} AND ended > {first}) OR {within})"


def _unsealed(
    table: Path, cursors: Mapping[str, int] | None, span: tuple[datetime, datetime], sealed: Sequence[SealedFile]
) -> str:
    """What no sealed file holds, from the database to a CSV file; gives SQL that reads it."""
    records = current_usage(cursors).filter(overlapping(*span))
    for centre, (last, end) in _sealed_until(sealed).items():
        before = Q(ended_at__lt=end) | Q(ended_at=end, started_at__lt=end)
        records = records.exclude(before, centre_id=centre, sequence__lte=last)
    rows = records.values_list(
        "centre__code", "party__uscc", "accelerator__model", "cards", "started_at", "ended_at", "suspended_seconds",
        "card_seconds", "sequence", "centre_id",
    )  # fmt: skip
    sql, parameters = rows.query.sql_with_params()
    columns = "centre, party, model, cards, started_at, ended_at, suspended, card_seconds, sequence, centre_id"
    epochs = {f"{name}ed": f"extract(epoch FROM {name}ed_at)::bigint" for name in ("start", "end")}
    picked = ", ".join(epochs.get(name, name) for name in SETTLED_USAGE)
    copy_out(f"SELECT {picked} FROM ({sql}) AS q ({columns})", list(parameters), table)
    return (
        f"read_csv({literal(str(table))}, header = false, auto_detect = false, delim = ',', quote = '\"', "
        f"escape = '\"', nullstr = '\\N', columns = {_TYPES})"
    )


def _sealed_until(sealed: Sequence[SealedFile]) -> dict[int, tuple[int, datetime]]:
    """By centre, the last sequence and the end of the last of these seals: what both enclose is in one of its seals."""
    return {
        month_file.seal.centre_id: (
            month_file.seal.last_sequence,
            datetime.fromtimestamp(Month.containing(month_file.seal.month).ends, UTC),
        )
        for month_file in sorted(sealed, key=lambda month_file: month_file.seal.month)
    }


def _sealed(
    con: duckdb.DuckDBPyConnection, cursors: Mapping[str, int] | None, span: tuple[datetime, datetime],
    sealed: Sequence[SealedFile],
) -> None:  # fmt: skip
    """Make `sealed` of the files: what is current in them, as far as was read."""
    SEALED.create(con)
    if not sealed:
        return
    centres = {month_file.seal.centre_id: month_file.seal.centre.code for month_file in sealed}
    corrections = UsageRecord.objects.filter(centre__in=list(centres), supersedes__isnull=False)
    rows = corrections.values_list("centre__code", "supersedes", "sequence")
    CORRECTED.load(con, rows.iterator())
    until = [(code, number, cursors[code] if cursors is not None else None) for number, code in centres.items()]
    READ_UNTIL.load(con, until)
    files = ", ".join(literal(month_file.path) for month_file in sealed)
    picked = ", ".join("suspended_seconds" if name == "suspended" else name for name in SETTLED_USAGE)
    con.execute(f"""
        INSERT INTO sealed SELECT {picked} FROM read_parquet([{files}]) r JOIN read_until USING (centre)
        WHERE {_overlaps(int(span[0].timestamp()), int(span[1].timestamp()))}
          AND r.sequence <= coalesce(cursor, r.sequence) AND NOT EXISTS (
            SELECT 1 FROM corrected c
            WHERE c.centre = r.centre AND c.supersedes = r.sequence AND c.sequence <= coalesce(cursor, c.sequence)
        )
    """)
