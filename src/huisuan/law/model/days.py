"""Days that a rule computes: so many years, months and days on, and which nodes are days. Pure."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from huisuan.law.model import expressions as nodes
from huisuan.law.model.day_nodes import Shift
from huisuan.law.model.expressions import Node
from huisuan.law.model.values import ValueKind

MAX_SHIFT_MONTHS, MAX_SHIFT_DAYS = 1_200, 36_600  # a hundred years
#: the most days that can lie between two days of a rule: those of the years 1900 to 2199, shifted both ways
MAX_ELAPSED = 400_000


def shift_day(day: date, months: int, days: int, *, late: bool) -> date:
    """The day so many months, then days, later; below zero: earlier.

    A month that has no such day (29 February, 31 June) ends on its last day; `late`: on the first of the next month.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    moved = date(year, month + 1, min(day.day, last))
    short = timedelta(days=1) if late and day.day > last else timedelta()
    return moved + short + timedelta(days=days)


def is_date(node: Node) -> bool:
    """Whether a node is a day."""
    match node:
        case nodes.Cited():
            return is_date(node.node)
        case nodes.Interpreted():
            return any(is_date(branch) for branch in node.branches.values())
        case nodes.Fact():
            return node.spec.kind is ValueKind.DATE
        case nodes.Const():
            return node.kind is ValueKind.DATE
    return isinstance(node, Shift)
