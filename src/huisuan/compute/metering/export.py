"""Current usage records of an interval as one Parquet file: what settlement reads."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from huisuan.compute.metering.ledger import copy_out
from huisuan.compute.metering.readings import literal

#: column of the file -> its type in DuckDB; times are UTC seconds since the epoch
EXPORTED = {
    "centre": "VARCHAR",
    "party": "VARCHAR",
    "model": "VARCHAR",
    "cards": "INTEGER",
    "started": "BIGINT",
    "ended": "BIGINT",
    "suspended": "BIGINT",
    "card_seconds": "BIGINT",
    "sequence": "BIGINT",
    "centre_id": "INTEGER",
}


def export_usage(path: Path, cursors: Mapping[str, int] | None, from_utc: datetime, to_utc: datetime) -> int:
    """Write the current records that overlap an interval to a Parquet file, in order of centre and sequence.

    Args:
        path: the file; written whole or not at all.
        cursors: centre code -> last sequence read; None: all there is.
        from_utc: the interval's first moment.
        to_utc: the moment after its last. A record without length counts if it lies within.

    Returns:
        The number of records written. `party` is the USCC or null, `centre` the code.
    """
    from huisuan.compute.queries import current_usage, overlapping

    rows = current_usage(cursors).filter(overlapping(from_utc, to_utc)).values_list(
        "centre__code", "party__uscc", "accelerator__model", "cards", "started_at", "ended_at", "suspended_seconds",
        "card_seconds", "sequence", "centre_id",
    )  # fmt: skip
    sql, parameters = rows.query.sql_with_params()
    columns = "centre, party, model, cards, started_at, ended_at, suspended, card_seconds, sequence, centre_id"
    epochs = {f"{name}ed": f"extract(epoch FROM {name}ed_at)::bigint" for name in ("start", "end")}
    picked = ", ".join(epochs.get(name, name) for name in EXPORTED)
    draft = path.with_name(f".{path.name}.draft")
    types = "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in EXPORTED.items()) + "}"
    with tempfile.TemporaryDirectory(prefix="huisuan-") as folder, duckdb.connect(":memory:") as con:
        table = Path(folder) / "usage.csv"
        copy_out(f"SELECT {picked} FROM ({sql}) AS q ({columns})", list(parameters), table)  # noqa: S608
        (written,) = con.execute(
            f"COPY (SELECT * FROM read_csv({literal(str(table))}, header = false, auto_detect = false, delim = ',', "  # noqa: S608
            f"quote = '\"', escape = '\"', nullstr = '\\N', columns = {types})) "
            f"TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()[0]
    draft.replace(path)
    return int(written)
