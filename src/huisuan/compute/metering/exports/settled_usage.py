"""The one file between meter and settlement: current usage records of an interval as Parquet. Pure.

`usage_parquet` writes it, `settlement.runs.billing` reads it; both compare what they have with this list.
"""

from __future__ import annotations

from collections.abc import Mapping

#: column -> its type in DuckDB. Times are UTC seconds since the epoch, `party` is the USCC or null, `centre` the code.
SETTLED_USAGE: Mapping[str, str] = {
    "centre": "VARCHAR", "party": "VARCHAR", "model": "VARCHAR", "cards": "INTEGER", "started": "BIGINT",
    "ended": "BIGINT", "suspended": "BIGINT", "card_seconds": "BIGINT", "sequence": "BIGINT", "centre_id": "INTEGER",
}  # fmt: skip


def check_settled_usage(columns: Mapping[str, str]) -> None:
    """Refuse a file with other columns, types or order.

    Raises:
        TypeError: naming both lists; writer and reader are of different versions.
    """
    if list(columns.items()) != list(SETTLED_USAGE.items()):
        raise TypeError(f"usage has the columns {dict(columns)}, not {dict(SETTLED_USAGE)}")
