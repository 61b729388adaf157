"""Jobs whose price rose after they were placed: taken back before they begin, where they would not be placed any more.

Use is billed at the price of its day, so a placement promises a place, not a price. What has not begun is judged anew
once its price rises: above its ceiling, or beyond a hard budget, it goes back to the queue of the province. What runs
is never interrupted; whoever submitted it is told that its price is above its ceiling now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.messages import budget_owner
from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.room import BudgetClaim, BudgetRoom, load_room
from huisuan.compute.budgets.services import PLACEMENT_LOCK
from huisuan.compute.budgets.standing import BudgetStanding
from huisuan.compute.jobs.lifecycle import NEVER_NEEDED, Steps
from huisuan.compute.models import AT_CENTRE, BudgetReservation, BudgetUnit, Job, JobState
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import person_of_firm

_NOT_BEGUN = (JobState.PLACED, JobState.QUEUED)
#: what the platform was not told of has not begun only where runs wait at the gate
_AT_GATE = Q(centre__agent__capabilities__lease__0=True)


@dataclass(frozen=True)
class _Risen:
    """A job that has not begun whose price rose since it was placed, to so many fen per card-hour."""

    uid: str
    claim: BudgetClaim
    fen: int


def withdraw_after_price_rises(now: datetime) -> int:
    """Take back what has not begun and would not be placed at the present prices; tell whose job is above its ceiling.

    Returns how many jobs were taken back. In a transaction of its own, under the lock of placement.
    """
    prices = Prices()
    dear, risen = _above_ceiling(prices, now), _risen(prices)
    if not dear and not risen:
        return 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACEMENT_LOCK])
        steps = Steps(now)
        told = _act_on_ceilings(dear, steps)
        told += _act_on_budgets([each for each in risen if each.uid not in steps.jobs], steps)
        steps.write()
        notify_all(told, now)
    return len(steps.jobs)


# --- ceilings


def _above_ceiling(prices: Prices, now: datetime) -> dict[str, int]:
    """The jobs at centres that cost more today than their ceiling, with today's price."""
    day = now.astimezone(SHANGHAI).date()
    rows = Job.objects.filter(state__in=AT_CENTRE, price_ceiling_fen__isnull=False)
    found = {}
    for uid, centre, card, ceiling in rows.values_list("uid", "centre_id", "accelerator_id", "price_ceiling_fen"):
        price = prices.on((centre, card), day)
        if price is not None and ceiling is not None and price > ceiling:
            found[uid] = price
    return found


def _act_on_ceilings(dear: dict[str, int], steps: Steps) -> list[Notice]:
    gated, told = _gated(dear), []
    for job in _lock(dear, AT_CENTRE):
        assert job.centre is not None  # at one, by its state
        assert job.price_ceiling_fen is not None
        price, ceiling = yuan(dear[job.pk]), yuan(job.price_ceiling_fen)
        back = job.state in _NOT_BEGUN and job.pk in gated
        values = {"name": job.name or job.pk, "centre": job.centre.name, "price": price, "ceiling": ceiling}
        key = f"job:{job.pk}:ceiling:{job.lease}:{dear[job.pk]}"
        told.append(_notice("job_taken_back_by_ceiling" if back else "job_above_ceiling", values, job, key))
        if back:
            steps.wait_again(
                job,
                f"智算中心 {job.centre.code} 的价格已改为每卡时 {price} 元，高于上限 {ceiling} 元，"
                "作业在那里没有开始，另行调度",
            )
    return told


# --- budgets


def _risen(prices: Prices) -> list[_Risen]:
    """The jobs that have not begun and whose pool costs more by now than was reserved, the last placed first."""
    rows = BudgetReservation.objects.filter(
        closed_at__isnull=True, job__state__in=_NOT_BEGUN, lease=F("job__lease"), run=F("job__run")
    ).order_by("-placed_at", "-pk")
    columns = (
        "job_id", "job__party_id", "project_id", "centre_id", "accelerator_id", "card_seconds", "fen_per_card_hour",
        "placed_at",
    )  # fmt: skip
    found = []
    for uid, party, project, centre, card, seconds, reserved, placed in rows.values_list(*columns):
        price = prices.highest_from((centre, card), placed.astimezone(SHANGHAI).date())
        if price is not None and (reserved is None or price > reserved):
            found.append(_Risen(uid, BudgetClaim(party, project, seconds), price))
    return found


def _act_on_budgets(risen: Collection[_Risen], steps: Steps) -> list[Notice]:
    """Take back as many as it takes for each hard budget to hold again, the last placed first."""
    if not risen:
        return []
    room = load_room(steps.now, {each.claim.party for each in risen})
    gated = _gated(each.uid for each in risen)
    wanted = [each for each in risen if each.uid in gated and _passed(room, each) is not None]
    jobs = {job.pk: job for job in _lock([each.uid for each in wanted], _NOT_BEGUN)}
    told = []
    for each in wanted:
        job, passed = jobs.get(each.uid), _passed(room, each)
        if job is None or passed is None:
            continue
        assert job.centre is not None  # at one, by its state
        values = {"name": job.name or job.pk, "centre": job.centre.name, "price": yuan(each.fen)}
        told.append(_notice("job_taken_back_by_price", values, job, f"job:{job.pk}:price:{job.lease}:{each.fen}"))
        room.give_back(each.claim, each.fen)
        steps.wait_again(
            job,
            f"智算中心 {job.centre.code} 的价格已改为每卡时 {yuan(each.fen)} 元，"
            f"{budget_owner(passed.budget)}的预算不够了，作业在那里没有开始，另行调度",
        )
    return told


def _passed(room: BudgetRoom, risen: _Risen) -> BudgetStanding | None:
    """The hard budget in yuan that is passed and in which the job counts; None: none."""
    limits = room.limits(risen.claim.party, risen.claim.project)
    return next((each for each in limits if each.budget.unit == BudgetUnit.FEN and each.left < 0), None)


# --- both


def _gated(uids: Iterable[str]) -> set[str]:
    return set(Job.objects.filter(_AT_GATE, pk__in=list(uids)).values_list("pk", flat=True))


def _lock(uids: Iterable[str], states: Iterable[JobState]) -> list[Job]:
    """Those still in these states, locked; one that is to end anyhow is left to its end."""
    rows = Job.objects.select_for_update(of=("self",)).filter(
        pk__in=list(uids), state__in=states, cancel_requested_at__isnull=True
    )
    return list(rows.select_related("centre", "party").defer(*NEVER_NEEDED).order_by("pk"))


def _notice(code: str, values: dict[str, str], job: Job, key: str) -> Notice:
    return Notice(code, values, (person_of_firm(job.party_id, job.submitted_by),), key, f"/jobs/{job.pk}")
