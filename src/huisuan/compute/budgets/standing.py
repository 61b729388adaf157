"""How budgets stand: what is used and reserved of each in its present period, exactly.

Amounts are scaled integers: card-seconds as they are, fen times 3600 (`prices`). So a comparison with a limit rounds
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.open_reservations import OpenReservation, load_open
from huisuan.compute.budgets.periods import budget_period
from huisuan.compute.budgets.prices import SECONDS_PER_HOUR, Prices
from huisuan.compute.models import BudgetUnit, FirmBudget

Amounts = tuple[int, int]  # card-seconds, fen x 3600

#: by party, project (none: not by way of the platform) and month; unpriced use counts as nothing in fen
_USED = """
SELECT u.party_id, u.project_id, date_trunc('month', u.day)::date, sum(u.card_seconds),
    sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0))
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = ANY(%s) AND u.day >= %s AND u.day < %s GROUP BY 1, 2, 3
"""


@dataclass
class BudgetStanding:
    """A budget in a period [starts, ends): scaled amounts `used` and `reserved`."""

    budget: FirmBudget
    starts: date
    ends: date
    used: int = 0
    reserved: int = 0

    @property
    def scale(self) -> int:
        """How many scaled units make one of the budget's."""
        return SECONDS_PER_HOUR if self.budget.unit == BudgetUnit.FEN else 1

    @property
    def limit(self) -> int:
        """The budget's limit, scaled."""
        return self.budget.limit * self.scale

    @property
    def left(self) -> int:
        """What no job has used or reserved, scaled; negative where a limit was lowered."""
        return self.limit - self.used - self.reserved

    @property
    def used_amount(self) -> Fraction:
        """Used, in the budget's unit."""
        return Fraction(self.used, self.scale)

    @property
    def reserved_amount(self) -> Fraction:
        """Reserved, in the budget's unit."""
        return Fraction(self.reserved, self.scale)

    @property
    def left_amount(self) -> Fraction:
        """Left, in the budget's unit."""
        return Fraction(self.left, self.scale)

    def used_share(self, percent: int) -> bool:
        """Whether so many percent of the limit are used; of a limit of nothing, as soon as something is."""
        return self.used > 0 and self.used * 100 >= self.limit * percent

    def concerns(self, party: int, project: int | None) -> bool:
        """Whether use of that project (None: outside the platform) counts."""
        return self.budget.party_id == party and self.budget.project_id in (None, project)

    def cost(self, amounts: Amounts) -> int:
        """What such amounts cost of this budget, scaled."""
        return amounts[1] if self.budget.unit == BudgetUnit.FEN else amounts[0]


def load_standings(
    budgets: Iterable[FirmBudget], now: datetime, prices: Prices, reserved: Sequence[OpenReservation] | None = None
) -> list[BudgetStanding]:
    """How these budgets stand, by what is counted so far (`party_use`); `reserved`: as loaded already."""
    found = [BudgetStanding(budget, *budget_period(budget.period, now)) for budget in budgets]
    parties = {each.budget.party_id for each in found}
    if not parties:
        return []
    # what is reserved before what is used: a record that is counted meanwhile is then in both, and never in neither
    open_ones = load_open(parties) if reserved is None else reserved
    use = load_month_use(parties, date(now.astimezone(SHANGHAI).year, 1, 1))
    holds: dict[tuple[int, int], Amounts] = defaultdict(lambda: (0, 0))
    for hold in open_ones:
        seconds, fen = holds[hold.party, hold.project]
        holds[hold.party, hold.project] = (seconds + hold.outstanding, fen + hold.outstanding_fen(prices))
    for each in found:
        each.used = sum(
            each.cost(amounts)
            for (party, project, month), amounts in use.items()
            if each.concerns(party, project) and each.starts <= month < each.ends
        )
        each.reserved = sum(each.cost(amounts) for key, amounts in holds.items() if each.concerns(*key))
    return found


def load_month_use(parties: Iterable[int], first: date) -> dict[tuple[int, int | None, date], Amounts]:
    """A year's use from `first` on by party, project and first day of the month."""
    with connection.cursor() as cursor:
        cursor.execute(_USED, [list(parties), first, date(first.year + 1, 1, 1)])
        return {
            (party, project, month): (int(seconds), int(fen))
            for party, project, month, seconds, fen in cursor.fetchall()
        }
