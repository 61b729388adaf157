# ruff: noqa: S608 (names of columns come from our own lists; values are parameters)
"""Stored usage records as they are hashed: out of PostgreSQL by one COPY, into a table of DuckDB's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
from django.db import connection

from huisuan.base.temporary import temporary_folder
from huisuan.compute.duck.workbench import literal, workbench
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS, TYPES, leaf_sql
from huisuan.compute.models import Centre

LEAVES_AT_ONCE = 100_000
#: field of a leaf -> SQL over the record `u`, its centre `c`, party `p`, accelerator `a` and source file `f`
_STORED = {
    "centre": "c.code",
    "party": "p.uscc",
    "model": "a.model",
    "submitted": "extract(epoch FROM u.submitted_at)::bigint",
    "started": "extract(epoch FROM u.started_at)::bigint",
    "ended": "extract(epoch FROM u.ended_at)::bigint",
    "source": "f.sha256",
}
SELECT = f"""
SELECT {", ".join(_STORED.get(name, f'u."{name}"') for name in RECORD_FIELDS)} FROM compute_usagerecord u
JOIN compute_centre c ON c.id = u.centre_id JOIN compute_accelerator a ON a.id = u.accelerator_id
JOIN compute_sourcefile f ON f.id = u.source_file_id LEFT JOIN parties_party p ON p.id = u.party_id
WHERE u.centre_id = %s
"""
_COLUMNS = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in TYPES.items()) + "}"


def copy_out(query: str, parameters: Sequence[Any], path: Path) -> None:
    """Write a query's rows to a CSV file; NULL is \\N."""
    with connection.cursor() as cursor, path.open("wb") as file:
        statement = f"COPY ({query}) TO STDOUT (FORMAT csv, NULL '\\N')"
        with cursor.copy(statement, parameters) as copy:
            for piece in copy:
                file.write(piece)


@contextmanager
def stored_records(
    centre: Centre, where: str = "true", parameters: Sequence[Any] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB whose table `row` holds a centre's records with their `leaf` (64 hexadecimal digits), by sequence.

    `where` is SQL over the stored record `u`.
    """
    with temporary_folder() as folder, workbench() as con:
        path = folder / "rows.csv"
        copy_out(f"{SELECT} AND ({where}) ORDER BY u.sequence", [centre.pk, *parameters], path)
        con.execute(
            f"CREATE TABLE row AS SELECT *, {leaf_sql()} AS leaf FROM read_csv({literal(str(path))}, header = false, "
            "auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '\\N', "
            f"allow_quoted_nulls = false, columns = {_COLUMNS})"
        )
        path.unlink()
        yield con


def load_leaves(con: duckdb.DuckDBPyConnection, table: str = "row") -> list[bytes]:
    """The leaves of a table that has `sequence` and `leaf`, in order, 32 bytes each."""
    return list(iterate_leaves(con, table))


def iterate_leaves(con: duckdb.DuckDBPyConnection, table: str = "row") -> Iterator[bytes]:
    """The same, one after the other: of a large table they are too many to hold."""
    found = con.execute(f"SELECT unhex(leaf) FROM {table} ORDER BY sequence")
    while rows := found.fetchmany(LEAVES_AT_ONCE):
        yield from (leaf for (leaf,) in rows)
