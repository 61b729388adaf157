"""Over which claims a rule sums before its rate, floor and cap, what counts once, and what several rules share. Pure.

A claim is one application of a rule: a contract, an invoice, a month.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from huisuan.law.model.expressions import Node


class Period(StrEnum):
    """What a total runs over; always: as long as the policy holds."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    ALWAYS = "always"


PERIODS_ZH = {
    Period.YEAR: "每年", Period.QUARTER: "每季度", Period.MONTH: "每月", Period.ALWAYS: "政策有效期内",
}  # fmt: skip
PERIODS_EN = {
    Period.YEAR: "each year", Period.QUARTER: "each quarter", Period.MONTH: "each month",
    Period.ALWAYS: "as long as the policy holds",
}  # fmt: skip


@dataclass(frozen=True)
class Grouping:
    """The claims over which a rule's totals run: those of one claimant, or of one object, in one period.

    All are names of facts: `day` says in which period a claim lies, `of` which object it is about (none: the
    claimant's own), `once` what may count only once, and by `order` the claims take their turn.
    """

    sentence: str
    phrase: str
    period: Period
    day: str = ""
    of: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """Every fact that must be known to place a claim."""
        return tuple(dict.fromkeys((*((self.day,) if self.day else ()), *self.of, *self.once, *self.order)))


@dataclass(frozen=True)
class SharedCap:
    """What several rules may pay one claimant together in a period (fen); the rules take their turn as listed."""

    sentence: str
    phrase: str
    rules: tuple[str, ...]
    limit: Node
    period: Period

    @property
    def name(self) -> str:
        """What cases of it are named by."""
        return "+".join(self.rules)


def period_of(period: Period, day: date | None) -> str:
    """The name of the period in which a day lies: 2025, 2025-Q2, 2025-06; empty where all time is one."""
    if day is None or period is Period.ALWAYS:
        return ""
    match period:
        case Period.YEAR:
            return f"{day:%Y}"
        case Period.QUARTER:
            return f"{day:%Y}-Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m}"
