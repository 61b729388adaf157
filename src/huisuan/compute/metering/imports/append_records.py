# ruff: noqa: S608 (names of columns come from our own lists; values are parameters)
"""Usage records and their sources in PostgreSQL, in bulk: what is stored out, what is new in, each by one COPY."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import datetime

import duckdb
import pyarrow as pa
from django.db import connection

from huisuan import __version__
from huisuan.base.temporary import temporary_folder
from huisuan.base.text_length import shortened
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.duck.workbench import literal
from huisuan.compute.metering.imports.mappings import load_mappings, named_kinds
from huisuan.compute.metering.intake.tables import RECORD_PARTY, STORED, TENANT
from huisuan.compute.metering.ledger.append import AppendedRecords, append_batches
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS, leaf_sql, leaves_digest
from huisuan.compute.metering.ledger.stored_records import copy_out, iterate_leaves
from huisuan.compute.models import AccountClaim, Centre, SourceFile
from huisuan.compute.sacct.export import delimiter_of
from huisuan.parties.models import Party

_PIECE = 1 << 20
ROWS_AT_ONCE = 100_000

#: column of the table -> SQL over `appended` in DuckDB, written as COPY's text format reads it
_COLUMNS = {
    "sequence": "sequence",
    "supersedes": "supersedes",
    "cluster": "cluster",
    "job_id": "job_id",
    "run": "run",
    "array_index": "array_index",
    '"user"': '"user"',
    "account": "account",
    "party_id": "party_id",
    "contract": "contract",
    "partition": '"partition"',
    "accelerator_id": "accelerator_id",
    "requested_cards": "requested_cards",
    "cards": "cards",
    "nodes": "nodes",
    "node_count": "node_count",
    "submitted_at": "utc(submitted)",
    "started_at": "utc(started)",
    "ended_at": "utc(ended)",
    "suspended_seconds": "suspended_seconds",
    "card_seconds": "card_seconds",
    "state": "state",
    "exit_code": "exit_code",
    "source_zone": "source_zone",
    "raw_sha256": "raw_sha256",
    "content_sha256": "content_sha256",
    "source_line": "source_line",
}
_TEXTS = ("cluster", "job_id", '"user"', "account", '"partition"', "nodes", "exit_code")
#: field of a leaf -> SQL over `record`, where it goes by another name or has one value
_FIELD = {
    "centre": "{centre}",
    "sequence": "{after} + row_number() OVER ()",
    "party": "uscc",
    "contract": "''",
    "suspended_seconds": "suspended",
    "card_seconds": "cards::BIGINT * (ended - started - suspended)",
    "source_zone": "{zone}",
    "source": "{source}",
    "source_line": "line_no",
}
STORED_TYPES = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in STORED.columns.items()) + "}"


def load_stored(con: duckdb.DuckDBPyConnection, centre: Centre, span: tuple[int, int] | None) -> None:
    """Make `stored` in DuckDB: the centre's records that ended after and started before the span (UTC seconds)."""
    STORED.create(con)
    if span is None or centre.last_sequence == 0:
        return
    times = {"submitted": "submitted_at", "started": "started_at", "ended": "ended_at"}
    texts = {name: f"extract(epoch FROM u.{column})::bigint" for name, column in times.items()}
    texts["suspended"] = "u.suspended_seconds"
    texts["current"] = (
        "NOT EXISTS (SELECT 1 FROM compute_usagerecord s WHERE s.centre_id = u.centre_id AND s.supersedes = u.sequence)"
    )
    columns = [texts.get(name, f'u."{name}"') for name in STORED.columns]
    query = (
        f"SELECT {', '.join(columns)} FROM compute_usagerecord u WHERE u.centre_id = %s"
        " AND u.ended_at >= to_timestamp(%s) AND u.started_at <= to_timestamp(%s)"
    )
    with temporary_folder() as folder:
        path = folder / "stored.csv"
        copy_out(query, [centre.pk, *span], path)
        con.execute(
            f"INSERT INTO stored SELECT * FROM read_csv({literal(str(path))}, header = false, auto_detect = false, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', "
            f"columns = {STORED_TYPES})"
        )


def load_tenants(con: duckdb.DuckDBPyConnection, centre: Centre, unmapped: AccountClaim | None = None) -> None:
    """Make `tenant` in DuckDB: users and accounts of the centre with their party.

    `unmapped`: a claim by which an account is nobody's any more; without it, what was metered for a party stays that
    party's where no mapping says anything.
    """
    rows: dict[tuple[str, str], tuple[int | None, str]] = {
        key: (tenant.party_id, f"m{tenant.pk}") for key, tenant in load_mappings(centre).tenants.items()
    }
    if unmapped is not None:
        for kind in named_kinds(unmapped.kind):
            rows.setdefault((kind, unmapped.name), (None, f"c{unmapped.pk}"))
    TENANT.load(con, [(*key, *row) for key, row in rows.items()])


def load_party_names(con: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """The parties in `tenant` and `stored` as a flag names them: name and credit code."""
    rows = con.execute("SELECT party_id FROM tenant UNION SELECT party_id FROM stored").fetchall()
    parties = Party.objects.filter(pk__in=[party for (party,) in rows if party is not None])
    return {pk: f"{name}（{uscc}）" for pk, name, uscc in parties.values_list("pk", "name", "uscc")}


def store_source(source: SourceLines, centre: Centre, kind: str, zone: str, now: datetime) -> SourceFile:
    """Keep the whole file, compressed, so that every raw line can be read back; a file already kept is found."""
    kept = SourceFile.objects.filter(centre=centre, sha256=source.sha256).first()
    if kept is not None:
        return kept
    file = SourceFile.objects.create(
        centre=centre,
        sha256=source.sha256,
        name=shortened(source.name, 200),
        format=kind,
        timezone=zone,
        line_count=source.line_count,
        imported_at=now,
        collector=f"huisuan {__version__} usage import",
        delimiter=delimiter_of(source.first_line) or "",
    )
    columns = "file_id, first_line, line_count, raw_bytes, content"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY compute_sourcechunk ({columns}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.set_types(["int8", "int8", "int4", "int4", "bytea"])
        for chunk in source.chunks:
            size = chunk.ends - chunk.starts
            copy.write_row((file.pk, chunk.first_line, chunk.line_count, size, source.compressed(chunk)))
    return file


def append_records(
    con: duckdb.DuckDBPyConnection,
    centre: Centre,
    file: SourceFile,
    now: datetime,
    advance: Callable[[int], None] = lambda rows: None,
) -> int:
    """Append the rows of `record` to the centre's usage records, and a batch over them to its ledger; returns how many.

    The centre's row must be locked and fresh: the sequence goes on from its `last_sequence`.
    """
    _number(con, centre, file)
    constant = {
        "centre_id": str(centre.pk),
        "source_file_id": str(file.pk),
        "received_at": literal(now.isoformat()),
    }
    values = _COLUMNS | constant
    cells = [_cell(f"escaped({text})" if name in _TEXTS else f"({text})::VARCHAR") for name, text in values.items()]
    lines = con.sql(f"SELECT concat_ws(chr(9), {', '.join(cells)}) || chr(10) AS line FROM appended")
    written = 0
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY compute_usagerecord ({', '.join(values)}) FROM STDIN") as copy,
    ):
        for batch in lines.to_arrow_reader(ROWS_AT_ONCE):
            for piece in _pieces(batch.column(0)):
                copy.write(piece)
            written += batch.num_rows
            advance(batch.num_rows)
    appended = AppendedRecords(records=written, leaves=leaves_digest(iterate_leaves(con, "appended")), source=file)
    append_batches(centre, centre.last_sequence, [appended], now)
    return written


def _number(con: duckdb.DuckDBPyConnection, centre: Centre, file: SourceFile) -> None:
    """Make `appended` of `record`: every row with its sequence and its leaf."""
    con.execute("CREATE OR REPLACE MACRO utc(s) AS strftime(make_timestamp(s * 1000000), '%Y-%m-%d %H:%M:%S+00')")
    con.execute(
        "CREATE OR REPLACE MACRO escaped(t) AS CASE WHEN regexp_matches(t, '[\\\\\\t\\r\\n]') THEN replace(replace("
        "replace(replace(t, '\\', '\\\\'), chr(9), '\\t'), chr(13), '\\r'), chr(10), '\\n') ELSE t END"
    )
    named = [party for (party,) in con.execute("SELECT DISTINCT party_id FROM record").fetchall() if party is not None]
    parties = Party.objects.filter(pk__in=named).values_list("pk", "uscc")
    RECORD_PARTY.load(con, parties)
    constant = {
        "centre": literal(centre.code), "after": centre.last_sequence, "zone": literal(file.timezone),
        "source": literal(file.sha256),
    }  # fmt: skip
    fields = [
        f'{_FIELD[name].format(**constant)} AS "{name}"' if name in _FIELD else f'"{name}"' for name in RECORD_FIELDS
    ]
    con.execute(
        f"CREATE OR REPLACE TABLE appended AS SELECT *, {leaf_sql()} AS leaf FROM ("
        f"SELECT {', '.join(fields)}, party_id, accelerator_id FROM record LEFT JOIN record_party USING (party_id))"
    )


def _cell(text: str) -> str:
    return f"coalesce({text}, '\\N')"


def _pieces(lines: pa.Array) -> Iterator[memoryview]:
    """The text of an Arrow array as it lies in memory: its lines are end to end, which is what COPY reads."""
    wide = pa.types.is_large_string(lines.type)
    code, width = ("<q", 8) if wide else ("<i", 4)
    _, offsets, text = lines.buffers()
    first, last = (struct.unpack_from(code, offsets, width * (lines.offset + i))[0] for i in (0, len(lines)))
    whole = memoryview(text)[first:last]
    for start in range(0, len(whole), _PIECE):
        yield whole[start : start + _PIECE]
