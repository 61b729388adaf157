"""Use by day at the prices of its days, exactly: fen x 3600, because a price is per card-hour and use in card-seconds.

Only the end of a sum is rounded, and by its caller: a bill rounds half up, a limit compares without rounding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from huisuan.compute.models import Tariff

SECONDS_PER_HOUR = 3600
PoolId = tuple[int, int]  # centre, accelerator


@dataclass(frozen=True)
class DatedPrice:
    """Fen per card-hour on [starts, ends)."""

    starts: date
    ends: date
    fen: int


class Prices:
    """The tariffs of every pool, by day."""

    def __init__(self) -> None:
        self.by_pool: dict[PoolId, list[DatedPrice]] = defaultdict(list)
        columns = ("centre_id", "accelerator_id", "valid_from", "valid_to", "fen_per_card_hour")
        for centre, accelerator, starts, ends, fen in Tariff.objects.order_by("valid_from").values_list(*columns):
            self.by_pool[centre, accelerator].append(DatedPrice(starts, ends or date.max, fen))

    def on(self, pool: PoolId, day: date) -> int | None:
        """Fen per card-hour of a pool on a day; None where nobody has set one."""
        return next((each.fen for each in self.by_pool.get(pool, ()) if each.starts <= day < each.ends), None)

    def highest_from(self, pool: PoolId, day: date) -> int | None:
        """The highest price on record for that day or any later one; None where none is set for the day.

        A job may wait in the centre's own queue, so no later price that is on record may be left out.
        """
        if self.on(pool, day) is None:
            return None
        return max(each.fen for each in self.by_pool[pool] if each.ends > day)


def priced(use: Iterable[tuple[PoolId, date, int]], prices: Prices) -> int:
    """Fen x 3600 of (pool, day, card-seconds); what has no price counts as nothing."""
    return sum(seconds * (prices.on(pool, day) or 0) for pool, day, seconds in use)
