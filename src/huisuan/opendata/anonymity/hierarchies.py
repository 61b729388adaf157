"""How a column may be made coarser: numbers by intervals, days by month and year, region codes by city. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
ALL = "*"
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d+)?")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?")
_REGION = re.compile(r"[1-9]\d{5}")
_WIDTHS = (5, 10, 20)


@dataclass(frozen=True)
class Level:
    """One degree of coarseness: its name, its values in words, and which of them each value of level 0 is."""

    name: str
    labels: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True)
class Hierarchy:
    """A column: which value of level 0 each row has, and the levels from exact to everything alike."""

    column: str
    rows: Codes
    levels: tuple[Level, ...]


def build_hierarchy(column: str, values: Sequence[str]) -> Hierarchy:
    """The levels that fit a column by what its values are; an empty cell is a value of its own at every level."""
    distinct, rows = np.unique(
        np.array([value.strip() for value in values], dtype=object).astype(str), return_inverse=True
    )
    exact = [str(value) for value in distinct]
    filled = [value for value in exact if value]
    steps: list[tuple[str, Callable[[str], str]]] = []
    if filled and all(map(_REGION.fullmatch, filled)):
        steps = [("市", lambda value: value[:4] + "00"), ("省", lambda value: value[:2] + "0000")]
    elif filled and all(map(_DAY.fullmatch, filled)):
        steps = [("月", _month), ("年", lambda value: value[:4]), ("十年", lambda value: f"{value[:3]}0 年代")]
    elif filled and all(map(_NUMBER.fullmatch, filled)):
        steps = [(f"每 {width}", _interval(width)) for width in _WIDTHS]
    levels = [_level("原值", exact, lambda value: value)]
    levels += [_level(name, exact, step) for name, step in steps]
    if len(exact) > 1:
        levels.append(_level("不列", exact, lambda _: ALL))
    return Hierarchy(column, rows.astype(np.int64).ravel(), tuple(levels))


def _level(name: str, exact: Sequence[str], step: Callable[[str], str]) -> Level:
    coarse = [step(value) if value or name == "不列" else "" for value in exact]
    labels = sorted(set(coarse))
    place = {label: number for number, label in enumerate(labels)}
    return Level(name, tuple(labels), np.array([place[label] for label in coarse], dtype=np.int64))


def _month(value: str) -> str:
    found = _DAY.fullmatch(value)
    return f"{found[1]}-{int(found[2]):02}" if found else value


def _interval(width: int) -> Callable[[str], str]:
    def step(value: str) -> str:
        begin = floor(Decimal(value)) // width * width
        return f"{begin} 至 {begin + width} 以下"

    return step
