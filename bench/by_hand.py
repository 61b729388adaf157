"""Sentence 2.2 as a careful engineer writes it by hand, at 20%: in DuckDB SQL and in Polars.

Both give the three columns that the rule gives, reason codes included; neither checks ranges. The shorter pair gives
the amount alone. The SQL answers a table `facts`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

FACTS = ("in_anhui", "kind", "spend", "self_use")

# not greatest(spend - self_use, 0): it skips a NULL, and what is missing would become 0
AMOUNT = "CASE WHEN spend > self_use THEN (spend - self_use) // 5 WHEN spend <= self_use OR spend < 5 THEN 0 END"

# of less than five fen a fifth is nothing, whatever was used by oneself
_LACKS_SELF_USE = "self_use IS NULL AND (spend < 5) IS NOT TRUE"
_LACKS = {name: f"{name} IS NULL" for name in FACTS} | {"self_use": _LACKS_SELF_USE}
_LACKS_ANY = " OR ".join(f"({lacks})" for lacks in _LACKS.values())

SQL = f"""
SELECT CASE WHEN NOT in_anhui OR kind = 'other' THEN 'not_eligible'
            WHEN {_LACKS_ANY} THEN 'missing_facts'
            ELSE 'eligible' END AS status,
       CASE WHEN NOT in_anhui OR kind = 'other' THEN 0
            WHEN in_anhui AND kind IS NOT NULL THEN {AMOUNT} END AS amount_fen,
       CASE WHEN NOT in_anhui OR kind = 'other' THEN concat_ws(';',
                CASE WHEN NOT in_anhui THEN 'failed:in_anhui@2.2' END,
                CASE WHEN kind = 'other' THEN 'failed:kind@2.2' END)
            WHEN {_LACKS_ANY} THEN concat_ws(';',
                {", ".join(f"CASE WHEN {lacks} THEN 'missing:{fact}' END" for fact, lacks in _LACKS.items())})
            WHEN spend < 5 OR spend - self_use < 5 THEN 'zero@2.2'
            ELSE '' END AS reasons
FROM facts
"""

AMOUNT_SQL = f"""
SELECT CASE WHEN NOT in_anhui OR kind = 'other' THEN 0
            WHEN in_anhui AND kind IS NOT NULL THEN {AMOUNT} END AS amount_fen
FROM facts
"""


def duckdb_sql(query: str, source: Path, target: Path) -> None:
    """Run a query over the table `facts` from Parquet to Parquet."""
    with duckdb.connect() as engine:
        engine.execute(f"CREATE VIEW facts AS SELECT * FROM read_parquet('{source}')")
        engine.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")


_FACT = {name: pl.col(name) for name in FACTS}
_OUTSIDE, _OTHER = ~_FACT["in_anhui"], _FACT["kind"] == "other"
_FAILS = (_OUTSIDE | _OTHER).fill_null(value=False)
_SMALL = (_FACT["spend"] < 5).fill_null(value=False)
_ABSENT = {name: fact.is_null() for name, fact in _FACT.items()}
_ABSENT["self_use"] = _ABSENT["self_use"] & ~_SMALL
_NOT_ALL = pl.any_horizontal(*_ABSENT.values())
_LEFT = pl.when(_SMALL).then(pl.lit(0, pl.Int64)).otherwise(_FACT["spend"] - _FACT["self_use"])
_AMOUNT = (
    pl.when(_FAILS).then(pl.lit(0, pl.Int64)).when(_NOT_ALL).then(None).otherwise(pl.max_horizontal(_LEFT, 0) // 5)
)  # fmt: skip


def _said(*codes: tuple[pl.Expr, str]) -> pl.Expr:
    return pl.concat_str(
        *(pl.when(holds).then(pl.lit(code)) for holds, code in codes), separator=";", ignore_nulls=True
    )


def polars(source: Path) -> pl.LazyFrame:
    """All three columns."""
    return pl.scan_parquet(source).select(
        status=pl.when(_FAILS).then(pl.lit("not_eligible")).when(_NOT_ALL).then(pl.lit("missing_facts"))
        .otherwise(pl.lit("eligible")),
        amount_fen=_AMOUNT,
        reasons=pl.when(_FAILS).then(_said((_OUTSIDE, "failed:in_anhui@2.2"), (_OTHER, "failed:kind@2.2")))
        .when(_NOT_ALL).then(_said(*((absent, f"missing:{name}") for name, absent in _ABSENT.items())))
        .when(_LEFT < 5).then(pl.lit("zero@2.2")).otherwise(pl.lit("")),
    )  # fmt: skip


def polars_amount(source: Path) -> pl.LazyFrame:
    """The amount alone."""
    return pl.scan_parquet(source).select(amount_fen=_AMOUNT)


def polars_to(query: pl.LazyFrame, target: Path) -> None:
    """Run it to Parquet, compressed as DuckDB does by default."""
    query.sink_parquet(target, compression="snappy")
