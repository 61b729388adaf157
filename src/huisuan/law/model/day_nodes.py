"""The nodes of days that a rule computes: part of `expressions`, whose union of nodes names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huisuan.law.model.expressions import Node


@dataclass(frozen=True)
class Shift:
    """A day so many months, then days, later (below zero: earlier); `late`: see `days.shift_day`."""

    day: Node
    months: int
    days: int
    late: bool


@dataclass(frozen=True)
class Elapsed:
    """The days from one day to another, never below zero."""

    later: Node
    earlier: Node
