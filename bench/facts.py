"""Facts for the benchmarks: usable cells by chance for every fact of a rule, and one in a hundred missing.

Drawn in DuckDB on one thread from a seed, so the same rows come every time.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from huisuan.law.model import FactSpec, Rule, ValueKind

SEED = 0.2024
MISSING, TRUE = 0.01, 0.93
#: where an answer turns; an edge stands in one cell of fifty
EDGES = {
    "added_p": (399, 400, 401), "city_paid": (3_333_333_333, 3_333_333_334, 2_777_777_777, 2_777_777_778),
    "investment": (500_000_000, 500_000_004, 500_000_005, 416_666_666, 416_666_667), "spend": (4, 5, 6),
    "cost": (25_000_000_000, 25_000_000_004, 25_000_000_005), "equity": (0, 3_000_000_000, 3_000_000_001),
}  # fmt: skip
SMALL = 1_000_000_000  # counts up to this are small for most and large for a few
PROJECT = 10.5  # a project's money: log-uniform from a fen to this power of ten


def write_facts(rule: Rule, rows: int, target: Path) -> None:
    """Write so many rows with a column per fact of the rule."""
    draws = ", ".join(f"random() AS d{at}_{part}" for at in range(len(rule.facts)) for part in range(3))
    columns = ", ".join(f"{cell(spec, at)} AS {spec.name}" for at, spec in enumerate(rule.facts))
    with duckdb.connect() as engine:
        engine.execute(f"SET threads = 1; SELECT setseed({SEED})")
        engine.execute(
            f"COPY (SELECT {columns} FROM (SELECT {draws or 'NULL'} FROM range({rows}))) TO '{target}' (FORMAT parquet)"
        )


def cell(spec: FactSpec, at: int) -> str:
    """A cell out of three draws from 0 to 1: whether it is missing, whether it is an edge, and its value."""
    value = _value(spec, f"d{at}_2")
    if spec.name in EDGES:
        edges = ", ".join(map(str, EDGES[spec.name]))
        count = len(EDGES[spec.name])
        value = f"CASE WHEN d{at}_1 < 0.02 THEN [{edges}][1 + CAST(floor(d{at}_2 * {count}) AS INT)] ELSE {value} END"
    return f"CASE WHEN d{at}_0 >= {MISSING} THEN {value} END"


def _value(spec: FactSpec, draw: str) -> str:
    match spec.kind:
        case ValueKind.BOOL:
            return f"{draw} < {TRUE}"
        case ValueKind.DATE:
            return f"DATE '2023-01-01' + CAST(floor({draw} * 800) AS INTEGER)"
        case ValueKind.CHOICE:
            options = list(spec.options or {})
            listed = ", ".join(f"'{each}'" for each in options)
            return f"[{listed}][1 + CAST(floor({draw} * {len(options)}) AS INTEGER)]"
        case ValueKind.SHARE:
            return f"CAST(CAST(floor({draw} * 101) AS INTEGER) AS VARCHAR) || '%'"
        case ValueKind.TEXT:
            return "'样本'"
        case ValueKind.INT:
            most = min(spec.maximum or 0, 2_000)
            return f"CAST(floor(pow({draw}, 3) * {most + 1}) AS BIGINT)"
    return f"CAST(floor(pow(10, {draw} * {PROJECT})) AS BIGINT)"
