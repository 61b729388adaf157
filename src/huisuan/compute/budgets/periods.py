"""The period that a budget counts in: a year or a month at Asia/Shanghai."""

from __future__ import annotations

from datetime import date, datetime

from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.models import BudgetPeriod


def budget_period(kind: str, now: datetime) -> tuple[date, date]:
    """First day of the period that holds a moment, and the first day after it."""
    day = now.astimezone(SHANGHAI).date()
    if kind == BudgetPeriod.YEAR:
        return date(day.year, 1, 1), date(day.year + 1, 1, 1)
    month = Month.containing(day)
    return month.first_day, month.following.first_day
