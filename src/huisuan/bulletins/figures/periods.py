"""Quarters, half-years and years, and which are the sum of which. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from huisuan.base.errors import InvalidRequest
from huisuan.bulletins.suppression.linked_cells import Breakdown

_PERIOD = re.compile(r"(20[0-9]{2})(?:(Q)([1-4])|(H)([12]))?")
PERIOD_DIMENSION = 1  # of a cell's key: measure, period, region, kind


def parts_of_period(period: str) -> tuple[str, ...]:
    """What a period is the sum of: the half-years of a year ("2024"), the quarters of a half-year ("2024H1"), or none.

    Raises:
        InvalidRequest: it is no period.
    """
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise InvalidRequest(
            f'期间 "{period[:20]}" 写法不对：季度写 2024Q2，半年写 2024H1，全年写 2024',
            code="bulletin.period_malformed",
        )
    year = found[1]
    if found[2]:
        return ()
    if found[4]:
        first = 2 * int(found[5]) - 1
        return f"{year}Q{first}", f"{year}Q{first + 1}"
    return f"{year}H1", f"{year}H2"


def list_quarters(period: str) -> tuple[str, ...]:
    """The quarters in a period, a quarter itself among them."""
    parts = parts_of_period(period)
    return tuple(quarter for part in parts for quarter in list_quarters(part)) if parts else (period,)


def close_periods(periods: Iterable[str]) -> list[str]:
    """These periods and all that they are sums of, in the order of their names."""
    found: set[str] = set()
    left = list(periods)
    while left:
        one = left.pop()
        found.add(one)
        left += parts_of_period(one)
    return sorted(found)


def period_breakdowns(periods: Iterable[str]) -> list[Breakdown]:
    """What of these periods is the sum of which."""
    return [
        Breakdown(PERIOD_DIMENSION, one, parts) for one in close_periods(periods) if (parts := parts_of_period(one))
    ]


def first_and_last_day(period: str) -> tuple[date, date]:
    """The days of a period, both included."""
    quarters = list_quarters(period)
    year, first, last = int(period[:4]), int(quarters[0][-1]), int(quarters[-1][-1])
    after = date(year + last // 4, last % 4 * 3 + 1, 1)
    return date(year, 3 * first - 2, 1), after - timedelta(days=1)


def period_name(period: str) -> str:
    """As a bulletin calls it: 2024年第二季度, 2024年上半年, 2024年."""
    year = f"{period[:4]}年"
    if "Q" in period:
        return f"{year}第{'一二三四'[int(period[-1]) - 1]}季度"
    return f"{year}{'上' if period[-1] == '1' else '下'}半年" if "H" in period else year
