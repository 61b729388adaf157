"""A file whose rows each name a day: every row is answered by the law of its own day (of payment, say).

The days of a file are sorted into those on which the rule reads alike. Each such law is one query over its rows, so
that a file costs as many queries as its days see changes, and a row gets what `explain` answers to it on its day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.by_day import part_starts
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.cell_parsing import checked_columns
from huisuan.law.sql.compiler import CompiledRule, compile_rule
from huisuan.law.sql.compute_file import FileSummary, answer_query, summarise_file, transform_file
from huisuan.law.sql.dialect import Dialect
from huisuan.law.sql.naming import ANSWER, ROW

if TYPE_CHECKING:
    import duckdb

_DAY, _LAW = "y__", "l__"  # the day of a row, and which of the laws it is answered by


def compute_file_by_day(
    policy: Policy, rule: Rule, source: Path, target: Path, *, day_column: str, as_known: date
) -> FileSummary:
    """Compute every row of a Parquet or CSV file, on DuckDB, by the law of the day in a column of it.

    A row without a day, or with one that cannot be read, is `missing_facts`: it is not known which law it is under.

    Raises:
        LawError: as `compute_file` does; no such column, or one that is no day; facts that are told part by part.
    """
    with transform_file(source, target) as (engine, types, draft):
        if day_column not in types:
            raise LawError(f"输入里没有列 {day_column}：每行须写明按哪天的法律", code="law.column_missing")
        if part_starts(rule, types):
            raise LawError(
                "分段的事实已经各有各的日子，不能再写 --day-column：请写 --on，即这段时间的最后一天",
                code="law.parts_with_row_days",
            )
        laws = _sort_days(engine, policy, rule, types, day_column, as_known)
        query, carried = _answers(engine, policy, rule, types, laws, day_column, as_known)
        layout = "FORMAT parquet" if target.suffix == ".parquet" else "FORMAT csv, HEADER true"
        engine.execute(f"COPY ({query}) TO '{str(draft).replace(chr(39), chr(39) * 2)}' ({layout})")
        return summarise_file(engine, draft, rule, types, carried)


def _sort_days(
    engine: duckdb.DuckDBPyConnection, policy: Policy, rule: Rule, types: Mapping[str, str], name: str, as_known: date
) -> list[date]:
    """Make `dated`: the source's rows with their place, their day and the law of it; a day of each law."""
    spec = FactSpec(name, ValueKind.DATE, name, name, asked_by=rule.sentence)
    _, cell = checked_columns(spec, types[name], Dialect.DUCKDB)
    read = cell.this.sql("duckdb")
    engine.execute(
        f"CREATE TEMP TABLE numbered AS SELECT row_number() OVER () - 1 AS {ROW}, {read} AS {_DAY}, * FROM source"
    )
    found = [day for (day,) in engine.execute(f"SELECT DISTINCT {_DAY} FROM numbered ORDER BY 1").fetchall() if day]
    laws: list[tuple[CompiledRule, date]] = []
    law_of: list[int] = []
    for day in found:
        compiled = compile_rule(policy, rule, day, as_known)
        at = next((at for at, (other, _) in enumerate(laws) if other == compiled), len(laws))
        if at == len(laws):
            laws.append((compiled, day))
        law_of.append(at)
    engine.execute("CREATE TEMP TABLE law_days (day DATE, law INTEGER)")
    engine.execute("INSERT INTO law_days SELECT unnest($1::DATE[]), unnest($2::INTEGER[])", [found, law_of])
    engine.execute(
        f"CREATE TEMP TABLE dated AS SELECT n.*, l.law AS {_LAW} "
        f"FROM numbered n LEFT JOIN law_days l ON n.{_DAY} = l.day"
    )
    return [day for _, day in laws]


def _answers(
    engine: duckdb.DuckDBPyConnection, policy: Policy, rule: Rule, types: Mapping[str, str], laws: list[date],
    name: str, as_known: date,
) -> tuple[str, tuple[str, ...]]:  # fmt: skip
    """The query for all rows in the source's order, and the columns carried over."""
    facts = {spec.name for spec in rule.facts}
    carried = tuple(column for column in types if column not in facts)
    kept = "".join(f"{_quoted(column)}, " for column in carried)
    cell = _quoted(name)
    parts = [
        f"SELECT {ROW}, {kept}'missing_facts' AS status, CAST(NULL AS BIGINT) AS amount_fen, "
        f"CASE WHEN coalesce(trim(CAST({cell} AS VARCHAR)), '') = '' THEN 'missing:' ELSE 'invalid:' END "
        f"|| '{name.replace(chr(39), chr(39) * 2)}' AS reasons FROM dated WHERE {_LAW} IS NULL"
    ]
    for at, day in enumerate(laws):
        engine.execute(f"CREATE TEMP VIEW law_{at} AS SELECT * EXCLUDE ({_DAY}, {_LAW}) FROM dated WHERE {_LAW} = {at}")
        query, _ = answer_query(policy, rule, f"law_{at}", {ROW: "BIGINT", **types}, on=day, as_known=as_known)
        parts.append(query.sql("duckdb", copy=False))
    shown = f"{kept}{', '.join(ANSWER)}"
    return f"SELECT {shown} FROM ({' UNION ALL '.join(parts)}) ORDER BY {ROW}", carried


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
