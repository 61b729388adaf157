"""Alerts of budgets, soft and hard: at 50, 80 and 100 % of what is metered, once each in a period.

Each is a row (`BudgetAlert`) that stays, and a message to the firm's owners in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from huisuan.base.card_time import card_hours
from huisuan.base.money import yuan
from huisuan.compute.budgets.open_reservations import close_settled, load_open
from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.room import Shortage
from huisuan.compute.budgets.standing import BudgetStanding, load_standings
from huisuan.compute.models import AlertKind, BudgetAlert, BudgetUnit, FirmBudget
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import owners_of_firm

_SHARES = {50: AlertKind.HALF, 80: AlertKind.MOST, 100: AlertKind.REACHED}


def watch_budgets(now: datetime) -> int:
    """Charge what is metered, close what is settled, and record the shares that were reached; how many alerts."""
    count_party_use()
    with transaction.atomic():
        open_ones = load_open()
        close_settled(open_ones, now)
        budgets = list(FirmBudget.objects.filter(ended_at__isnull=True).select_related("project", "party"))
        return record_alerts(load_standings(budgets, now, Prices(), open_ones), now)


def record_alerts(standings: Sequence[BudgetStanding], now: datetime) -> int:
    """Record the shares that these budgets have reached in their period and that nobody was told of; how many."""
    reached = [(each, kind) for each in standings for share, kind in _SHARES.items() if each.used_share(share)]
    known = set(
        BudgetAlert.objects.filter(
            budget__in=[each.budget for each, _ in reached], starts__in={each.starts for each, _ in reached}
        ).values_list("budget_id", "starts", "kind")
    )
    fresh = [
        BudgetAlert(
            budget=each.budget, starts=each.starts, kind=kind, at=now, used=each.used // each.scale,
            reserved=each.reserved // each.scale,
        )
        for each, kind in reached
        if (each.budget.pk, each.starts, kind.value) not in known
    ]  # fmt: skip
    BudgetAlert.objects.bulk_create(fresh, ignore_conflicts=True)
    notify_all([_notice(alert) for alert in fresh], now)
    return len(fresh)


def note_held(shortages: Iterable[tuple[str, Shortage]], now: datetime) -> None:
    """Record, once a period, that jobs (by uid) had to wait for a budget."""
    first: dict[int, tuple[str, BudgetStanding]] = {}
    for uid, shortage in shortages:
        first.setdefault(shortage.standing.budget.pk, (uid, shortage.standing))
    known = set(BudgetAlert.objects.filter(budget__in=first, kind=AlertKind.HELD).values_list("budget_id", "starts"))
    fresh = [
        BudgetAlert(
            budget=each.budget, starts=each.starts, kind=AlertKind.HELD, at=now, used=each.used // each.scale,
            reserved=each.reserved // each.scale, job_uid=uid,
        )
        for uid, each in first.values()
        if (each.budget.pk, each.starts) not in known
    ]  # fmt: skip
    BudgetAlert.objects.bulk_create(fresh, ignore_conflicts=True)
    notify_all([_notice(alert) for alert in fresh], now)


def _notice(alert: BudgetAlert) -> Notice:
    """What the owners are told, who alone can do something about it; amounts in signs that need no translation."""
    budget = alert.budget
    values: dict[str, str | int] = {
        "budget": budget.project.name if budget.project else budget.party.name,
        "used": _amount(budget, alert.used),
        "limit": _amount(budget, budget.limit),
    }
    if alert.kind == AlertKind.HELD:
        code, values = "budget_holds_job", values | {"reserved": _amount(budget, alert.reserved)}
    elif alert.kind == AlertKind.REACHED and budget.hard:
        code = "budget_exhausted"
    else:
        code, values = "budget_share", values | {"percent": int(alert.kind)}
    key = f"budget:{budget.pk}:{alert.starts}:{alert.kind}"
    link = f"/firm/projects/{budget.project.code}" if budget.project else "/firm/"
    return Notice(code, values, (owners_of_firm(budget.party_id),), key, link)


def _amount(budget: FirmBudget, amount: int) -> str:
    if budget.unit == BudgetUnit.FEN:
        return f"¥{yuan(amount)}"
    return f"{card_hours(amount, 'down')} GPU·h"
