"""The formula: how many points each criterion has, by whose authority. Pure but for reading the file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.scores.criteria import CRITERIA

SNAPSHOT_FORMAT = "huisuan-openness-1"  # of what is frozen by such a formula
_MOST_POINTS = 1000


@dataclass(frozen=True)
class OpennessFormula:
    """Points by criterion; `suggested`: no document says so yet."""

    points: dict[str, int]
    authority: str
    suggested: bool


def formula_of(snapshot: Mapping[str, Any]) -> OpennessFormula:
    """The formula by which a snapshot was scored; criteria that came later count nothing."""
    said = snapshot["formula"]
    points = {one["code"]: int(one["points"]) for one in said["criteria"]}
    return OpennessFormula(
        {one.code: points.get(one.code, 0) for one in CRITERIA}, said["authority"], said["suggested"]
    )


def load_formula(path: Path | None = None) -> OpennessFormula:
    """The formula of a file, or the suggested one.

    Raises:
        InvalidRequest: the file is no formula: a criterion is missing or unknown, points are no whole number, or it
            names no authority.
        OSError: it cannot be read.
    """
    content = path.read_bytes() if path else files("huisuan.opendata.scores").joinpath("formula.toml").read_bytes()
    name = str(path or "formula.toml")
    try:
        read = tomllib.loads(content.decode())
    except ValueError as error:
        raise InvalidRequest(f"{name}：不是 TOML（{error}）", code="score.formula_unreadable") from None
    points, authority = read.get("points"), read.get("authority")
    if not isinstance(points, dict) or not isinstance(authority, str) or not authority.strip():
        raise InvalidRequest(f"{name}：要有 authority（依据的文件）和 [points]", code="score.formula_incomplete")
    known = {one.code for one in CRITERIA}
    if wrong := sorted(known ^ points.keys()):
        raise InvalidRequest(
            f"{name}：[points] 里缺少或多出 {'、'.join(wrong)}；要有：{'、'.join(sorted(known))}",
            code="score.formula_incomplete",
        )
    for code, value in points.items():
        if type(value) is not int or not 0 <= value <= _MOST_POINTS:
            raise InvalidRequest(f"{name}：{code} 的分值要是 0 到 {_MOST_POINTS} 的整数", code="score.formula_points")
    return OpennessFormula(dict(points), authority.strip(), bool(read.get("suggested", False)))
