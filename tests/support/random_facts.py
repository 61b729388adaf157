"""Rows of facts by chance, with the cells where an answer turns; shared by the tests that compare two readings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind

ARROW = {
    ValueKind.BOOL: pa.bool_(),
    ValueKind.DATE: pa.date32(),
    ValueKind.MONEY: pa.int64(),
    ValueKind.INT: pa.int64(),
}

Row = dict[str, Any]  # a cell per fact, as JSON or Parquet holds it; None is missing

# where an answer turns: a cap just reached with and without the uplift, a size, a day
EDGES: Mapping[str, tuple[Any, ...]] = {
    "city_paid": (3_333_333_333, 3_333_333_334, 2_777_777_777, 2_777_777_778, 4_000_000_000),
    "added_p": (399, 400, 401),
    "finished_on": (date(2023, 10, 11), date(2023, 10, 12), date(2024, 12, 31), date(2025, 1, 1)),
    "spend": (4, 5, 6),
}


def random_cell(chance: random.Random, spec: FactSpec) -> Any:
    """A cell by chance: missing, an edge, allowed, or beyond; amounts spread evenly over their sizes."""
    if chance.random() < 0.06:
        return None
    if chance.random() < 0.1 and spec.name in EDGES:
        return chance.choice(EDGES[spec.name])
    match spec.kind:
        case ValueKind.BOOL:
            return chance.random() < 0.85
        case ValueKind.DATE:
            return date(2024, 6, 1) + timedelta(days=chance.randrange(260))
        case ValueKind.CHOICE:
            return chance.choice([*(spec.options or {}), "340122"])
        case ValueKind.SHARE:
            return chance.choice(["1/3", "0%", "100%", f"{chance.randrange(10_100) / 100:.2f}%"])
        case ValueKind.TEXT:
            return chance.choice(["甲", " ", "乙方"])
    most = spec.maximum or 0
    return chance.choice([0, 1, most, most + 1, -1]) if chance.random() < 0.05 else _spread(chance, most)


def _spread(chance: random.Random, most: int) -> int:
    return chance.randrange(2 ** chance.randint(1, most.bit_length())) % (most + 1)


def random_rows(seed: int, rule: Rule, count: int) -> list[Row]:
    """So many rows of random cells."""
    chance = random.Random(seed)
    return [{spec.name: random_cell(chance, spec) for spec in rule.facts} for _ in range(count)]


def typed(rule: Rule, rows: Iterable[Row]) -> dict[str, pa.Array]:
    """A column per fact of the type that carries it, as Parquet holds it."""
    return {
        spec.name: pa.array([row[spec.name] for row in rows], ARROW.get(spec.kind, pa.string())) for spec in rule.facts
    }


def as_words(rule: Rule, rows: Iterable[Row]) -> dict[str, pa.Array]:
    """A column of text per fact, as CSV holds it."""
    return {
        spec.name: pa.array([None if row[spec.name] is None else written(row[spec.name]) for row in rows], pa.string())
        for spec in rule.facts
    }


def written(cell: Any) -> str:
    """A cell as people write it."""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
