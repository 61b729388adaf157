"""Every combination of levels: how large its smallest class is, how many rows stand in small ones, what it costs. Pure.

A coarser combination is counted from the classes of a finer one, not from the rows again: classes only ever merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.anonymity.hierarchies import Codes, Hierarchy

MOST_COMBINATIONS = 2_000
_LARGEST_KEY = 2**62


@dataclass(frozen=True)
class Generalisation:
    """One combination: `levels` by column; `k` rows in the smallest class, `l` sensitive values in the poorest.

    `rows_at_risk` stand in classes of fewer than the k that was asked for. `loss` is from 0 (all exact) to 1 (nothing
    left): the mean over the columns of how far up its levels each one is.
    """

    levels: tuple[int, ...]
    names: tuple[str, ...]
    k: int
    l: int | None  # noqa: E741  # the letter of the definition
    classes: int
    rows_at_risk: int
    loss: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "levels": list(self.levels), "names": list(self.names), "k": self.k, "l": self.l, "classes": self.classes,
            "rows_at_risk": self.rows_at_risk, "loss": round(self.loss, 4),
        }  # fmt: skip


@dataclass(frozen=True)
class _Classes:
    """Rows that agree: for each group its code in every column, its sensitive value, and how many rows it has."""

    columns: tuple[Codes, ...]
    sensitive: Codes
    counts: Codes


def measure_lattice(
    hierarchies: Sequence[Hierarchy], k: int, sensitive: Sequence[str] | None = None
) -> list[Generalisation]:
    """All combinations, the least loss first; of equal loss the one with fewer rows at risk.

    Raises:
        InvalidRequest: no column, no row, or more combinations than anybody could look at.
    """
    sizes = [len(hierarchy.levels) for hierarchy in hierarchies]
    if not hierarchies or not len(hierarchies[0].rows):
        raise InvalidRequest("没有准标识列，或表里没有数据行", code="anonymity.nothing_to_measure")
    if np.prod(sizes) > MOST_COMBINATIONS:
        raise InvalidRequest(
            f"这些准标识列有 {int(np.prod(sizes)):,} 种组合，至多 {MOST_COMBINATIONS:,} 种；请少选几列",
            code="anonymity.too_many_combinations",
        )
    sensitive_codes = np.zeros(len(hierarchies[0].rows), dtype=np.int64)
    if sensitive is not None:
        sensitive_codes = (
            np.unique(np.array(sensitive, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64).ravel()
        )
    ones = np.ones(len(sensitive_codes), dtype=np.int64)
    base = tuple(hierarchy.levels[0].codes[hierarchy.rows] for hierarchy in hierarchies)
    known = {(0,) * len(sizes): _merge(_Classes(base, sensitive_codes, ones))}
    found = []
    for levels in product(*map(range, sizes)):  # what is finer comes before what is coarser
        if levels not in known:
            known[levels] = _coarser(known, levels, hierarchies)
        found.append(_measured(known[levels], levels, hierarchies, k, sensitive is not None))
    return sorted(found, key=lambda one: (one.loss, one.rows_at_risk, one.levels))


def _coarser(
    known: dict[tuple[int, ...], _Classes], levels: tuple[int, ...], hierarchies: Sequence[Hierarchy]
) -> _Classes:
    """The classes of a combination, merged from those of the finer neighbour that has fewest."""
    neighbours = [
        (column, (*levels[:column], level - 1, *levels[column + 1 :])) for column, level in enumerate(levels) if level
    ]
    column, finer = min(neighbours, key=lambda pair: len(known[pair[1]].counts))
    below, above = (hierarchies[column].levels[level] for level in (levels[column] - 1, levels[column]))
    step = np.zeros(len(below.labels), dtype=np.int64)
    step[below.codes] = above.codes
    classes = known[finer]
    columns = list(classes.columns)
    columns[column] = step[columns[column]]
    return _merge(_Classes(tuple(columns), classes.sensitive, classes.counts))


def _merge(classes: _Classes) -> _Classes:
    """Groups that agree in everything become one."""
    _, first, groups = np.unique(_key((*classes.columns, classes.sensitive)), return_index=True, return_inverse=True)
    counts = np.bincount(groups.ravel(), weights=classes.counts).astype(np.int64)
    return _Classes(tuple(column[first] for column in classes.columns), classes.sensitive[first], counts)


def _key(columns: Sequence[Codes]) -> Codes:
    """One number for what several columns say together."""
    key, size = columns[0], int(columns[0].max(initial=0)) + 1
    for column in columns[1:]:
        card = int(column.max(initial=0)) + 1
        if size * card > _LARGEST_KEY:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64).ravel()
            size = int(key.max(initial=0)) + 1
        key, size = key * card + column, size * card
    return key


def _measured(
    classes: _Classes, levels: tuple[int, ...], hierarchies: Sequence[Hierarchy], k: int, has_sensitive: bool
) -> Generalisation:
    _, groups, values = np.unique(_key(classes.columns), return_inverse=True, return_counts=True)
    rows = np.bincount(groups.ravel(), weights=classes.counts).astype(np.int64)
    highest = [max(len(hierarchy.levels) - 1, 1) for hierarchy in hierarchies]
    return Generalisation(
        levels, tuple(hierarchy.levels[level].name for hierarchy, level in zip(hierarchies, levels, strict=True)),
        int(rows.min()), int(values.min()) if has_sensitive else None, len(rows), int(rows[rows < k].sum()),
        float(np.mean([level / most for level, most in zip(levels, highest, strict=True)])),
    )  # fmt: skip


def rows_at_risk(hierarchies: Sequence[Hierarchy], levels: Sequence[int], k: int) -> list[int]:
    """Which rows, from 0, stand in classes of fewer than k, at given levels."""
    columns = [
        hierarchy.levels[level].codes[hierarchy.rows] for hierarchy, level in zip(hierarchies, levels, strict=True)
    ]
    _, groups, counts = np.unique(_key(columns), return_inverse=True, return_counts=True)
    return [int(row) for row in np.flatnonzero(counts[groups.ravel()] < k)]
