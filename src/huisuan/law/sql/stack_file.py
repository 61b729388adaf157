"""Rules that pay for the same spend, for a whole file at once: what each owes, and what of it is payable.

The set-based counterpart of `combine_answers`: one row in, one row out, in the same order. The facts of
all rules stand in one row; rules that name a fact alike read the same column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from huisuan.law.model.errors import LawError
from huisuan.law.policy.stacking import PolicyRule, StackedRules, StackingMode, adopted_mode
from huisuan.law.sql.compute_file import answer_query, transform_file
from huisuan.law.sql.naming import ROW

if TYPE_CHECKING:
    import duckdb

#: what of an answer is payable, for the first rule (None) and for a later one; `room` is what the spend leaves
PAYABLE = {
    None: "amount_fen",
    StackingMode.ONCE: "CASE WHEN paid > 0 THEN 0 ELSE least(amount_fen, room) END",
    StackingMode.TOGETHER: "least(amount_fen, room)",
    StackingMode.REST: "least(amount_fen, room)",
}


@dataclass(frozen=True)
class StackedTotals:
    """The sums of one rule over the file, in fen."""

    place: PolicyRule
    owed_fen: int
    payable_fen: int


def stack_file(
    layer: StackedRules, source: Path, target: Path, *, on: date, as_known: date
) -> tuple[StackedTotals, ...]:
    """Combine the layer's rules over every row of a Parquet file; the target appears whole or not at all.

    Its columns: those of the source, then per rule `KEY status`, `KEY amount_fen`, `KEY reasons`, `KEY payable_fen`.

    Raises:
        LawError: a file that cannot be read, a column that cannot carry its fact, a stacking mode that is not set.
    """
    adopted = adopted_mode(layer, on, as_known)
    mode = None if adopted is None else StackingMode(str(adopted.value))
    if mode is None and len(layer.rules) > 1:
        raise LawError(f"“{layer.ground}”的几条规则如何叠加，{on} 尚未确定", code="law.stacking_not_set")
    if source.suffix != ".parquet" or target.suffix != ".parquet":
        raise LawError("叠加只读写 .parquet", code="law.file_type")
    with transform_file(source, target) as (engine, types, draft):
        spent = _spent_expression(layer, types)
        engine.execute(f"CREATE TEMP TABLE stack AS SELECT row_number() OVER () AS {ROW}, * FROM source")
        engine.execute(f"CREATE TEMP TABLE paid AS SELECT {ROW}, CAST(0 AS BIGINT) AS paid FROM stack")
        for at, place in enumerate(layer.rules):
            _answer(engine, at, place, mode if at else None, types, (on, as_known))
            _pay(engine, at, mode if at else None, spent)
        path = str(draft).replace("'", "''")
        engine.execute(f"COPY ({_gather_query(layer)}) TO '{path}' (FORMAT parquet)")
        return tuple(_totals(engine, layer))


def _spent_expression(layer: StackedRules, types: Mapping[str, str]) -> str:
    """The largest sum that any rule of the ground names as spent."""
    names = dict.fromkeys(place.rule.claim.spent for place in layer.rules if place.rule.claim)
    known = [name for name in names if name in types]
    for name in known:
        if types[name] != "BIGINT":
            raise LawError(
                f"列 {name} 的类型是 {types[name]}；叠加须用 Parquet 的 BIGINT（金额以分计）", code="law.column_type"
            )
    quoted = ", ".join(f'"{name}"' for name in known)
    return f"greatest({quoted})" if known else "CAST(NULL AS BIGINT)"


def _answer(
    engine: duckdb.DuckDBPyConnection, at: int, place: PolicyRule, mode: StackingMode | None, types: Mapping[str, str],
    days: tuple[date, date],
) -> None:  # fmt: skip
    """The rule's answers; by `rest`, what earlier rules paid is first taken off what was spent."""
    spec = next((spec for spec in place.rule.facts if place.rule.claim and spec.name == place.rule.claim.spent), None)
    replaced = ""
    if mode is StackingMode.REST and spec is not None and spec.name in types:
        rest = f'greatest("{spec.name}" - coalesce(paid, 0), 0)'
        replaced = (
            f'REPLACE (CASE WHEN "{spec.name}" BETWEEN 0 AND {spec.maximum} THEN {rest} ELSE "{spec.name}" END '
            f'AS "{spec.name}")'
        )
    engine.execute(f"CREATE OR REPLACE TEMP VIEW asked AS SELECT * {replaced} FROM stack JOIN paid USING ({ROW})")
    facts = {spec.name: types[spec.name] for spec in place.rule.facts if spec.name in types}
    query, _ = answer_query(place.policy, place.rule, "asked", {ROW: "BIGINT", **facts}, on=days[0], as_known=days[1])
    engine.execute(f"CREATE TEMP TABLE answered{at} AS {query.sql('duckdb')}")


def _pay(engine: duckdb.DuckDBPyConnection, at: int, mode: StackingMode | None, spent: str) -> None:
    """What of each answer is payable beside what was paid before; unknown where that is unknown."""
    engine.execute(
        f"CREATE TEMP TABLE payable{at} AS SELECT {ROW}, CASE WHEN amount_fen IS NULL THEN NULL "
        f"WHEN amount_fen = 0 THEN 0 WHEN paid IS NULL THEN NULL ELSE {PAYABLE[mode]} END AS payable_fen FROM ("
        f"SELECT {ROW}, amount_fen, paid, coalesce(greatest({spent} - paid, 0), amount_fen) AS room "
        f"FROM answered{at} JOIN paid USING ({ROW}) JOIN stack USING ({ROW}))"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE paid AS SELECT {ROW}, paid + payable_fen AS paid "
        f"FROM paid JOIN payable{at} USING ({ROW})"
    )


def _gather_query(layer: StackedRules) -> str:
    columns, joins = [], []
    for at, place in enumerate(layer.rules):
        for name in ("status", "amount_fen", "reasons"):
            columns.append(f'answered{at}.{name} AS "{place.rule.key} {name}"')
        columns.append(f'payable{at}.payable_fen AS "{place.rule.key} payable_fen"')
        joins.append(f"JOIN answered{at} USING ({ROW}) JOIN payable{at} USING ({ROW})")
    return f"SELECT stack.* EXCLUDE ({ROW}), {', '.join(columns)} FROM stack {' '.join(joins)} ORDER BY {ROW}"


def _totals(engine: duckdb.DuckDBPyConnection, layer: StackedRules) -> Iterator[StackedTotals]:
    for at, place in enumerate(layer.rules):
        found = engine.execute(
            f"SELECT CAST(coalesce(sum(amount_fen), 0) AS VARCHAR), CAST(coalesce(sum(payable_fen), 0) AS VARCHAR) "
            f"FROM answered{at} JOIN payable{at} USING ({ROW})"
        ).fetchone()
        assert found is not None
        yield StackedTotals(place, int(found[0]), int(found[1]))
