"""The exact answers to sentence 2.2, by a third way, and who differs from them.

128-bit integers in DuckDB over the fraction 20/100, written apart from the rule and from the contestants; the first
rows are checked once more in Python's own integers.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import duckdb

ORACLE = """
WITH fact AS (
    SELECT *, ['enterprise', 'university', 'institute'] AS paid, CAST(spend AS HUGEINT) AS s, CAST(self_use AS HUGEINT)
        AS own FROM read_parquet('{source}')
), reason AS (
    SELECT list_filter([
        CASE WHEN in_anhui IS NOT DISTINCT FROM false THEN 'failed:in_anhui@2.2' END,
        CASE WHEN kind IS NOT NULL AND NOT list_contains(paid, kind) THEN 'failed:kind@2.2' END
    ], lambda x: x IS NOT NULL) AS failed, list_filter([
        CASE WHEN in_anhui IS NULL THEN 'missing:in_anhui' END, CASE WHEN kind IS NULL THEN 'missing:kind' END,
        CASE WHEN s IS NULL THEN 'missing:spend' END, CASE WHEN own IS NULL THEN 'missing:self_use' END
    ], lambda x: x IS NOT NULL) AS missing, CASE WHEN own >= s THEN 0 ELSE s - own END AS countable FROM fact
)
SELECT CASE WHEN len(failed) > 0 THEN 'not_eligible' WHEN len(missing) > 0 THEN 'missing_facts' ELSE 'eligible' END
           AS status,
       CAST(CASE WHEN len(failed) > 0 THEN 0 WHEN len(missing) = 0 THEN countable * 20 // 100 END AS BIGINT)
           AS amount_fen,
       CASE WHEN len(failed) > 0 THEN array_to_string(failed, ';') WHEN len(missing) > 0
           THEN array_to_string(missing, ';') WHEN countable * 20 < 100 THEN 'zero@2.2' ELSE '' END AS reasons,
       CAST(CASE WHEN len(failed) > 0 THEN 0 WHEN len(missing) = 0 THEN countable * 20 END AS BIGINT) AS hundredths
FROM reason
"""


def write_oracle(source: Path, target: Path) -> None:
    """The exact answers in the order of the facts; `hundredths`: of a fen, before rounding."""
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({ORACLE.format(source=source)}) TO '{target}' (FORMAT parquet)")


def check_oracle(source: Path, oracle: Path, rows: int) -> None:
    """Compare the first rows with Python's own integers.

    Raises:
        SystemExit: the oracle is wrong, and nothing may be measured by it.
    """
    with duckdb.connect() as engine:
        facts = engine.execute(f"SELECT * FROM read_parquet('{source}') LIMIT {rows}").fetchall()
        told = engine.execute(
            f"SELECT status, amount_fen, reasons FROM read_parquet('{oracle}') LIMIT {rows}"
        ).fetchall()
    for at, (fact, answer) in enumerate(zip(facts, told, strict=True)):
        if answer != _in_python(*fact):
            raise SystemExit(f"row {at}: the oracle says {answer}, Python says {_in_python(*fact)} for {fact}")


def _in_python(
    in_anhui: bool | None, kind: str | None, spend: int | None, self_use: int | None
) -> tuple[str, int | None, str]:
    failed = ["failed:in_anhui@2.2"] if in_anhui is False else []
    failed += ["failed:kind@2.2"] if kind == "other" else []
    facts = {"in_anhui": in_anhui, "kind": kind, "spend": spend, "self_use": self_use}
    missing = [f"missing:{name}" for name, value in facts.items() if value is None]
    if failed:
        return "not_eligible", 0, ";".join(failed)
    if missing or spend is None or self_use is None:
        return "missing_facts", None, ";".join(missing)
    amount = int(Fraction(20, 100) * max(spend - self_use, 0) // 1)
    return "eligible", amount, "" if amount else "zero@2.2"


def rows_wrong(output: Path, oracle: Path, *, amount_only: bool = False) -> int:
    """Rows of a contestant's file that are not the exact answer, or not there."""
    columns = ("amount_fen",) if amount_only else ("status", "amount_fen", "reasons")
    differs = " OR ".join(f"told.{name} IS DISTINCT FROM exact.{name}" for name in columns)
    found = _ask(
        f"SELECT count(*) FROM read_parquet('{output}') AS told POSITIONAL JOIN read_parquet('{oracle}') AS exact "
        f"WHERE {differs}"
    )
    return int(found[0])


def rows_wrong_in_yuan(output: Path, oracle: Path) -> tuple[int, int]:
    """Of float amounts in yuan: rows off by at least a fen, and rows with a number where a fact is missing."""
    wrong, unknown = _ask(
        "SELECT count(*) FILTER (abs(CAST(told.amount_yuan AS DOUBLE) * 10000 - exact.hundredths) >= 100), "
        "count(*) FILTER (exact.hundredths IS NULL AND told.amount_yuan IS NOT NULL) "
        f"FROM read_parquet('{output}') AS told POSITIONAL JOIN read_parquet('{oracle}') AS exact"
    )
    return int(wrong), int(unknown)


def _ask(query: str) -> tuple[int, ...]:
    with duckdb.connect() as engine:
        found: tuple[int, ...] = engine.execute(query).fetchall()[0]
        return found
