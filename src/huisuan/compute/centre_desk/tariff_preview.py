"""Who would pay what under new prices, before they hold: on the use of the last months, and on use already on record.

Money is exact until the end (fen x 3600, for a price is per card-hour and use in card-seconds), each figure rounded
half up once; a difference is that of the two figures that stand beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, Sum

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.centres.tariffs import TariffPlan, set_tariffs
from huisuan.compute.models import AT_CENTRE, Centre, Job, JobState, PartyUseDay, Tariff
from huisuan.parties.models import Party

PricedUse = dict[tuple[int, int], tuple[int, int]]  # (party, accelerator) -> (card-seconds, fen x 3600)

_HOUR = 3600
MOST_PREVIEW_MONTHS = 24
JOBS_SHOWN = 100
#: exact fen x 3600 of use by day, at the prices that stand; a day without a price counts as nothing
_PRICED_USE = """
SELECT u.party_id, u.accelerator_id, sum(u.card_seconds)::bigint, sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0))
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.centre_id = %s AND u.accelerator_id = ANY(%s) AND u.day >= %s AND u.day < %s
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class PriceChange:
    """What a model's card-hour costs in fen on the plan's first day: `before` (None: nothing is set) and `after`."""

    model: str
    before: int | None
    after: int


@dataclass(frozen=True)
class PayerChange:
    """What a firm pays for a model, in fen rounded half up, before and after; `before` None: there is no price."""

    party: Party
    model: str
    card_seconds: int
    before: int | None
    after: int

    @property
    def difference(self) -> int:
        """How much more, in fen; of nothing before, all of it."""
        return self.after - (self.before or 0)


@dataclass(frozen=True)
class JobChange:
    """A job of the platform at the centre that may still run under the new price, at most for its time limit.

    The prices are fen per card-hour, the amounts fen of cards x time limit. `before` None: it had no price.
    """

    job: Job
    before: int | None
    after: int

    @property
    def most_before_fen(self) -> int | None:
        """What it costs at most today."""
        return None if self.before is None else self._at(self.before)

    @property
    def most_after_fen(self) -> int:
        """What it would cost at most."""
        return self._at(self.after)

    def _at(self, fen: int) -> int:
        return round_half_up(Fraction(self.job.cards * self.job.time_limit_seconds * fen, _HOUR))


@dataclass(frozen=True)
class TariffPreview:
    """What a plan would change. Nothing is stored yet.

    `payers`: the use from `since` until before `until`, as if it came again under the plan. `past`: use on record on
    days that the plan covers, whose bills change. `jobs`: the platform's jobs that may be met, at most `JOBS_SHOWN`
    of `job_count`; `ceilings`: jobs that wait and will not come here any more, for their ceiling is below the price.
    `seen` names this preview: an adoption with it is of exactly this.
    """

    plan: TariffPlan
    changes: Sequence[PriceChange]
    since: date
    until: date
    payers: Sequence[PayerChange]
    past: Sequence[PayerChange]
    jobs: Sequence[JobChange]
    job_count: int
    ceilings: int
    seen: str


def preview_tariffs(code: str, plan: TariffPlan, months: int, now: datetime) -> TariffPreview:
    """What the plan would change at a centre, on the use of the last `months` months.

    Raises:
        Refused: what `set_tariffs` refuses, nothing in the plan, or months out of bounds.
        Unavailable: much of the use is not counted yet.
    """
    if not plan.prices:
        raise InvalidRequest("没有填写新价：请至少给一种型号填写价格", code="tariff.nothing_planned")
    if not 1 <= months <= MOST_PREVIEW_MONTHS:
        raise InvalidRequest(
            f"按最近几个月的用量预览：请填 1 至 {MOST_PREVIEW_MONTHS}", code="tariff.months_out_of_range"
        )
    count_before_reading()
    today = now.astimezone(SHANGHAI).date()
    until = today + timedelta(days=1)
    since = _months_before(today, months)
    with transaction.atomic():
        centre = Centre.objects.select_for_update(no_key=True).get(pk=centre_by_code(code).pk)
        seen = _fingerprint(centre, plan)
        before = _prices_on(centre, plan.first)
        span = (plan.first, min(plan.last or until, until))
        made = set_tariffs(code, plan, "-", now)  # by its own rules; undone below
        models = {each.accelerator_id: each.accelerator.model for each in made}
        after = {each.accelerator_id: each.fen_per_card_hour for each in made}
        priced_after = _priced_use(centre, models, *span)
        transaction.set_rollback(True)
    priced_before = _priced_use(centre, models, *span)
    jobs = _jobs_met(centre, plan, before, after, now)
    return TariffPreview(
        plan,
        [PriceChange(models[pk], before.get(pk), fen) for pk, fen in after.items()],
        since, until - timedelta(days=1),
        _if_it_came_again(centre, models, before, after, since, until),
        _payers(models, priced_before, priced_after),
        jobs[:JOBS_SHOWN], len(jobs), _ceilings_below(centre, models, after), seen,
    )  # fmt: skip


def confirm_tariffs(code: str, plan: TariffPlan, seen: str, by: str, now: datetime) -> list[Tariff]:
    """Set the prices of a plan as they were previewed.

    Raises:
        Conflict: the plan or the prices that stand are not those of the preview.
        Refused: as `set_tariffs`.
    """
    with transaction.atomic():
        centre = Centre.objects.select_for_update().get(pk=centre_by_code(code).pk)
        if _fingerprint(centre, plan) != seen:
            raise Conflict("填写的内容或现行价目与预览时不同：请再预览一次", code="tariff.not_as_previewed")
        return set_tariffs(code, plan, by, now)


def _months_before(day: date, months: int) -> date:
    """The same day so many months ago, or the last one of that month."""
    at = day.year * 12 + day.month - 1 - months
    year, month = divmod(at, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def _fingerprint(centre: Centre, plan: TariffPlan) -> str:
    columns = ("pk", "accelerator_id", "fen_per_card_hour", "valid_from", "valid_to")
    standing = list(Tariff.objects.filter(centre=centre).order_by("pk").values_list(*columns))
    asked = [centre.pk, sorted(plan.prices.items()), plan.first, plan.last, plan.replace]
    return hashlib.sha256(json.dumps([asked, standing], default=str).encode()).hexdigest()[:32]


def _prices_on(centre: Centre, day: date) -> dict[int, int]:
    """By accelerator the fen per card-hour on a day, without the plan."""
    rows = Tariff.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), centre=centre, valid_from__lte=day)
    return dict(rows.values_list("accelerator_id", "fen_per_card_hour"))


def _priced_use(centre: Centre, models: dict[int, str], first: date, last: date) -> PricedUse:
    """By party and accelerator: card-seconds, and fen x 3600 at the prices that stand now."""
    with connection.cursor() as cursor:
        cursor.execute(_PRICED_USE, [centre.pk, list(models), first, last])
        return {(party, card): (seconds, int(fen)) for party, card, seconds, fen in cursor.fetchall()}


def _payers(models: dict[int, str], before: PricedUse, after: PricedUse) -> list[PayerChange]:
    parties = Party.objects.in_bulk({party for party, _ in after})
    found = [
        PayerChange(
            parties[party], models[card], seconds,
            round_half_up(Fraction(before.get((party, card), (0, 0))[1], _HOUR)), round_half_up(Fraction(fen, _HOUR)),
        )
        for (party, card), (seconds, fen) in after.items()
        if seconds
    ]  # fmt: skip
    return _largest_first([each for each in found if each.difference])


def _if_it_came_again(
    centre: Centre, models: dict[int, str], before: dict[int, int], after: dict[int, int], since: date, until: date
) -> list[PayerChange]:
    days = PartyUseDay.objects.filter(centre=centre, accelerator__in=models, day__gte=since, day__lt=until)
    rows = list(days.order_by().values_list("party", "accelerator").annotate(total=Sum("card_seconds")))
    parties = Party.objects.in_bulk({party for party, _, _ in rows})
    found = []
    for party, card, seconds in rows:
        was = before.get(card)
        fen = None if was is None else round_half_up(Fraction(seconds * was, _HOUR))
        then = round_half_up(Fraction(seconds * after[card], _HOUR))
        if seconds:
            found.append(PayerChange(parties[party], models[card], seconds, fen, then))
    return _largest_first(found)


def _largest_first(found: list[PayerChange]) -> list[PayerChange]:
    return sorted(found, key=lambda each: (-abs(each.difference), -each.after, each.party.uscc, each.model))


def _jobs_met(
    centre: Centre, plan: TariffPlan, before: dict[int, int], after: dict[int, int], now: datetime
) -> list[JobChange]:
    """The platform's jobs there that may still run on the plan's first day or later, the dearest first."""
    begins = datetime.combine(plan.first, datetime.min.time(), SHANGHAI)
    ends = datetime.combine(plan.last, datetime.min.time(), SHANGHAI) if plan.last else None
    jobs = Job.objects.filter(centre=centre, state__in=AT_CENTRE, accelerator__in=after).select_related("party")
    found = []
    for job in jobs.only(
        "uid", "name", "party", "cards", "time_limit_seconds", "state", "started_at", "accelerator_id", "submitted_by"
    ):
        runs_until = (job.started_at or now) + timedelta(seconds=job.time_limit_seconds)
        over_by_then = job.state == JobState.RUNNING and runs_until <= begins
        if over_by_then or (ends is not None and ends <= now) or job.accelerator_id is None:
            continue
        found.append(JobChange(job, before.get(job.accelerator_id), after[job.accelerator_id]))
    return sorted(found, key=lambda each: (-each.most_after_fen, each.job.pk))


def _ceilings_below(centre: Centre, models: dict[int, str], after: dict[int, int]) -> int:
    """How many jobs wait that would take one of these models here, were it not for their ceiling."""
    waiting = Job.objects.filter(
        Q(wanted_centre=centre) | Q(wanted_centre__isnull=True), state=JobState.WAITING, price_ceiling_fen__isnull=False
    )
    beyond = Q(pk__in=[])
    for pk, fen in after.items():
        beyond |= Q(card_models__contains=[models[pk]], price_ceiling_fen__lt=fen)
    lowest = min(after.values())
    return waiting.filter(beyond | Q(card_models=[], price_ceiling_fen__lt=lowest)).count()


def preview_to_dict(found: TariffPreview) -> dict[str, Any]:
    """A preview as JSON and commands show it: amounts in fen, use in card-seconds."""
    return {
        "since": found.since, "until": found.until,
        "changes": [
            {"model": each.model, "before_fen": each.before, "after_fen": each.after} for each in found.changes
        ],
        "payers": [_payer(each) for each in found.payers],
        "past": [_payer(each) for each in found.past],
        "jobs": [
            {
                "uid": each.job.uid, "name": each.job.name, "party": each.job.party.uscc, "cards": each.job.cards,
                "most_before_fen": each.most_before_fen, "most_after_fen": each.most_after_fen,
            }
            for each in found.jobs
        ],
        "job_count": found.job_count, "ceilings": found.ceilings, "seen": found.seen,
    }  # fmt: skip


def _payer(payer: PayerChange) -> dict[str, Any]:
    return {
        "party": payer.party.uscc, "party_name": payer.party.name, "model": payer.model,
        "card_seconds": payer.card_seconds, "before_fen": payer.before, "after_fen": payer.after,
        "difference_fen": payer.difference,
    }  # fmt: skip
