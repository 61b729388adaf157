"""The room that hard budgets leave for placement, loaded and used up under the lock of one scheduling cycle.

A job fits where the most that it can cost (cards x time limit x the highest price on record for the pool) is left in
every hard budget that it counts in. What a placement reserves is taken off at once, so that two jobs of one cycle do
not pass a limit together; cycles follow one another (`budgets.services.PLACEMENT_LOCK`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.open_reservations import close_settled, load_open
from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.budgets.periods import budget_period
from huisuan.compute.budgets.prices import PoolId, Prices
from huisuan.compute.budgets.standing import BudgetStanding, load_standings
from huisuan.compute.models import Accelerator, BudgetUnit, Centre, FirmBudget

PoolKey = tuple[str, str]  # centre code, model


@dataclass(frozen=True)
class BudgetClaim:
    """What a job may use at most, and of which project."""

    party: int
    project: int
    card_seconds: int


@dataclass(frozen=True)
class Shortage:
    """The budget that a claim does not fit, and what the claim costs of it at most where it is cheapest.

    `cost` is scaled like the standing; None: no pool that is left has a price. `never`: it is more than the limit.
    """

    standing: BudgetStanding
    cost: int | None

    @property
    def never(self) -> bool:
        """Whether no period could ever hold it."""
        return self.cost is not None and self.cost > self.standing.limit


class BudgetRoom:
    """The hard budgets of some parties with what is left of each."""

    def __init__(self, standings: Sequence[BudgetStanding], prices: Prices, now: datetime) -> None:
        self.standings, self.prices, self.now = list(standings), prices, now
        self.pools: dict[PoolKey, PoolId] = {}
        self._too_dear: dict[BudgetClaim, frozenset[PoolKey]] = {}
        self._of_party: dict[int, list[BudgetStanding]] = defaultdict(list)
        for each in self.standings:
            self._of_party[each.budget.party_id].append(each)
        if self.standings:
            centres = dict(Centre.objects.values_list("code", "pk"))
            cards = dict(Accelerator.objects.values_list("model", "pk"))
            self.pools = {(code, model): (centres[code], cards[model]) for code in centres for model in cards}

    def limits(self, party: int, project: int) -> list[BudgetStanding]:
        """The budgets in which jobs of a project count."""
        return [each for each in self._of_party.get(party, ()) if each.concerns(party, project)]

    def too_dear(self, claim: BudgetClaim) -> frozenset[PoolKey]:
        """The pools whose most a job would not fit; all of them where card-seconds are short."""
        known = self._too_dear.get(claim)
        if known is None:
            known = self._too_dear[claim] = (
                frozenset(pool for pool in self.pools if self.shortage(claim, [pool]) is not None)
                if self.limits(claim.party, claim.project)
                else frozenset()
            )
        return known

    def shortage(self, claim: BudgetClaim, pools: Iterable[PoolKey], *, of_limit: bool = False) -> Shortage | None:
        """The first budget that leaves no room for a claim in any of these pools; None: it fits somewhere.

        `of_limit`: not by what is left but by the whole limit: it never fits.
        """
        limits = self.limits(claim.party, claim.project)
        day = self.now.astimezone(SHANGHAI).date()
        first: Shortage | None = None
        for pool in pools:
            price = self.prices.highest_from(self.pools[pool], day)
            found = next(
                (
                    Shortage(each, cost)
                    for each in limits
                    for cost in [_cost(each, claim, price)]
                    if cost is None or cost > (each.limit if of_limit else each.left)
                ),
                None,
            )
            if found is None:
                return None
            if first is None or (found.cost is not None and (first.cost is None or found.cost < first.cost)):
                first = found
        return first

    def take(self, claim: BudgetClaim, pool: PoolKey) -> None:
        """A job was placed there: what it may use at most is reserved from now on."""
        if not self.standings:
            return
        price = self.prices.highest_from(self.pools[pool], self.now.astimezone(SHANGHAI).date())
        for each in self.limits(claim.party, claim.project):
            each.reserved += each.cost((claim.card_seconds, claim.card_seconds * (price or 0)))
        self._too_dear.clear()

    def give_back(self, claim: BudgetClaim, price: int) -> None:
        """What was reserved for a job at a price (fen per card-hour) is reserved no longer: it was taken back."""
        for each in self.limits(claim.party, claim.project):
            each.reserved -= each.cost((claim.card_seconds, claim.card_seconds * price))
        self._too_dear.clear()


def load_limits(now: datetime, party: int) -> BudgetRoom:
    """The hard budgets of a party as if nothing of them were used: for `shortage(of_limit=True)`."""
    budgets = FirmBudget.objects.filter(hard=True, ended_at__isnull=True, party=party).select_related("project")
    standings = [BudgetStanding(budget, *budget_period(budget.period, now)) for budget in budgets]
    return BudgetRoom(standings, Prices(), now)


def load_room(now: datetime, parties: Collection[int] | None = None) -> BudgetRoom:
    """The room of these parties now, or of all. Must run in the transaction that places, under its lock.

    Placement asks for all: a firm whose first job comes after the look must not find itself without a limit.
    """
    standing = FirmBudget.objects.filter(hard=True, ended_at__isnull=True).select_related("project", "party")
    budgets = list(standing if parties is None else standing.filter(party__in=parties))
    if not budgets:
        return BudgetRoom((), Prices(), now)
    count_party_use()  # before what is reserved is read: of a run, only what is counted is no longer reserved
    open_ones = load_open({budget.party_id for budget in budgets})
    close_settled(open_ones, now)
    prices = Prices()
    return BudgetRoom(load_standings(budgets, now, prices, open_ones), prices, now)


def _cost(standing: BudgetStanding, claim: BudgetClaim, price: int | None) -> int | None:
    """What a claim costs of a budget at a price, scaled; None: money, and nobody has set a price."""
    if standing.budget.unit == BudgetUnit.FEN and price is None:
        return None
    return standing.cost((claim.card_seconds, claim.card_seconds * (price or 0)))
