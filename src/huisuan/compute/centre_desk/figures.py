"""A centre's year in figures: income, utilisation and idle cards by month, who used most, and its three sizes.

Everything is summed by the database out of the kept days, so a page costs the same whatever the ledger. Money is exact
until its month is whole, then rounded half up to the fen once. Accelerators only: processor slots are no cards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import Sum

from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.models import CapacitySighting, Centre, PartyUseDay, UsageDay
from huisuan.parties.models import Party

_HOUR, _DAY = 3600, 86_400
_TFLOPS_PER_P = 1000
USERS_SHOWN = 10
#: by month and party: card-seconds, fen x 3600 at the prices of the days, card-seconds without a price
_INCOME = """
SELECT date_trunc('month', u.day)::date, u.party_id, sum(u.card_seconds)::bigint,
    sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0)),
    coalesce(sum(u.card_seconds) FILTER (WHERE t.id IS NULL), 0)::bigint
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.centre_id = %s AND u.day >= %s AND u.day < %s GROUP BY 1, 2
"""


@dataclass
class MonthFigures:
    """One month. `income_fen` by use and prices, rounded half up; `used` and `there` are card-seconds of accelerators.

    `there`: of the cards that the agent saw each day, else of those registered now, for the days that have begun.
    `used_p`, `seen_p`: the most at once in P (None: no agent showed the nodes).
    """

    month: Month
    income_fen: int = 0
    used: int = 0
    there: int = 0
    used_p: Decimal = Decimal(0)
    seen_p: Decimal | None = None

    @property
    def idle(self) -> int:
        """Card-seconds that nobody used; 0 where more was used than was there."""
        return max(self.there - self.used, 0)

    @property
    def seconds(self) -> int:
        """Length of the month."""
        return self.month.ends - self.month.starts


@dataclass(frozen=True)
class PartyYear:
    """A firm's use of the year, and what it comes to."""

    party: Party
    card_seconds: int
    fen: int


@dataclass(frozen=True)
class UserYear:
    """A user's use of the year; the name as the scheduler or the platform has it."""

    user: str
    party: Party
    card_seconds: int


@dataclass(frozen=True)
class CentreYear:
    """A centre's year. `cards`, `claimed_p`: registered now. `unpriced`: card-seconds with a party and no price.

    `unclaimed`: card-seconds of nobody. `days`: how many of the year have begun.
    """

    year: int
    months: Sequence[MonthFigures]
    parties: Sequence[PartyYear]
    users: Sequence[UserYear]
    cards: int
    claimed_p: Decimal
    unpriced: int
    unclaimed: int
    days: int = 0
    party_count: int = 0

    @property
    def income_fen(self) -> int:
        """Of all months."""
        return sum(month.income_fen for month in self.months)

    @property
    def used(self) -> int:
        """Card-seconds of accelerators."""
        return sum(month.used for month in self.months)

    @property
    def there(self) -> int:
        """Card-seconds that the cards could have given."""
        return sum(month.there for month in self.months)

    @property
    def idle(self) -> int:
        """Card-seconds that nobody used."""
        return sum(month.idle for month in self.months)


def years_of_centre(centre: Centre) -> list[int]:
    """The years with use, the newest first."""
    days = UsageDay.objects.filter(centre=centre, accelerator__isnull=True)
    return [day.year for day in days.order_by().dates("day", "year", order="DESC")]


def centre_year(centre: Centre, year: int, now: datetime) -> CentreYear:
    """The figures of a year at Asia/Shanghai, as far as it has gone.

    Raises:
        Unavailable: much of the use is not counted yet.
    """
    count_before_reading()
    first, last = date(year, 1, 1), date(year + 1, 1, 1)
    ended = min(last, now.astimezone(SHANGHAI).date() + timedelta(days=1))
    months = {number: MonthFigures(Month(year, number)) for number in range(1, 13)}
    of_party, unpriced = _income(centre, first, last, months)
    claimed_used = sum(seconds for seconds, _ in of_party.values())
    _used(centre, first, last, months)
    cards, claimed = _registered(centre)
    _there(centre, first, ended, cards, months)
    used_of_all = UsageDay.objects.filter(centre=centre, accelerator__isnull=True, day__gte=first, day__lt=last)
    whole = used_of_all.aggregate(total=Sum("card_seconds"))["total"] or 0
    ordered = sorted(of_party.items(), key=lambda each: (-each[1][0], each[0]))
    known = Party.objects.in_bulk([party for party, _ in ordered[:USERS_SHOWN]])
    return CentreYear(
        year, list(months.values()),
        [PartyYear(known[pk], seconds, round_half_up(fen)) for pk, (seconds, fen) in ordered[:USERS_SHOWN]],
        _users(centre, first, last), cards, claimed, unpriced, max(whole - claimed_used, 0),
        max((ended - first).days, 0), len(ordered),
    )  # fmt: skip


def _income(
    centre: Centre, first: date, last: date, months: dict[int, MonthFigures]
) -> tuple[dict[int, tuple[int, Fraction]], int]:
    """Fill in what each month brought; by party its card-seconds and fen; the card-seconds that have no price."""
    by_month: dict[int, Fraction] = defaultdict(Fraction)
    by_party: dict[int, tuple[int, Fraction]] = defaultdict(lambda: (0, Fraction(0)))
    unpriced = 0
    with connection.cursor() as cursor:
        cursor.execute(_INCOME, [centre.pk, first, last])
        for month, party, seconds, scaled, without in cursor.fetchall():
            fen = Fraction(int(scaled), _HOUR)
            by_month[month.month] += fen
            had, paid = by_party[party]
            by_party[party] = had + seconds, paid + fen
            unpriced += without
    for number, fen in by_month.items():
        months[number].income_fen = round_half_up(fen)
    return by_party, unpriced


def _used(centre: Centre, first: date, last: date, months: dict[int, MonthFigures]) -> None:
    days = UsageDay.objects.filter(centre=centre, day__gte=first, day__lt=last).order_by()
    columns = ("day", "accelerator__model", "card_seconds", "most_tflops")
    for day, model, seconds, tflops in days.values_list(*columns):
        found = months[day.month]
        if model is None:
            found.used_p = max(found.used_p, tflops / _TFLOPS_PER_P)
        elif model != PROCESSOR_SLOT:
            found.used += seconds


def _registered(centre: Centre) -> tuple[int, Decimal]:
    """Cards and P that are registered now."""
    own = [each for each in centre.partitions.select_related("accelerator") if each.accelerator.model != PROCESSOR_SLOT]
    return sum(each.cards for each in own), sum((each.capacity_p for each in own), Decimal(0))


def _there(centre: Centre, first: date, ended: date, cards: int, months: dict[int, MonthFigures]) -> None:
    """Fill in the card-seconds that could have been used, and the most P that was seen."""
    seen: dict[date, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    rows = CapacitySighting.objects.filter(centre=centre, day__gte=first, day__lt=ended).order_by()
    for day, model, tflops, most in rows.values_list("day", "accelerator__model", "accelerator__tflops_fp16", "most"):
        if model != PROCESSOR_SLOT:
            seen[day][0] += most
            seen[day][1] += most * tflops
    for at in range(max((ended - first).days, 0)):
        day = first + timedelta(days=at)
        found = months[day.month]
        found.there += (seen[day][0] if day in seen else cards) * _DAY
        if day in seen:
            found.seen_p = max(found.seen_p or Decimal(0), seen[day][1] / _TFLOPS_PER_P)


def _users(centre: Centre, first: date, last: date) -> list[UserYear]:
    days = PartyUseDay.objects.filter(centre=centre, day__gte=first, day__lt=last).order_by()
    summed = days.values_list("user", "party").annotate(total=Sum("card_seconds")).order_by("-total", "user", "party")
    rows = [row for row in summed[:USERS_SHOWN] if row[2]]
    parties = Party.objects.in_bulk({party for _, party, _ in rows})
    return [UserYear(user, parties[party], total) for user, party, total in rows]
