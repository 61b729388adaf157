"""Telling what a settlement run came to: parties whose amount is not that of the run before, and the province.

What is told is what may be paid, beside the rules that pay before it for the same.
"""

from __future__ import annotations

from datetime import datetime

from huisuan.base.money import yuan
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import people_of_firm, working_group
from huisuan.settlement.models import Entitlement, SettlementRun


def tell_results(run: SettlementRun, now: datetime) -> None:
    """Tell of a run, in its transaction; a party whose amount stays as it was, or at nothing, hears nothing."""
    earlier = SettlementRun.objects.filter(policy=run.policy, sentence=run.sentence, year=run.year, pk__lt=run.pk)
    last = earlier.order_by("-pk").values_list("pk", flat=True).first()
    before = {each.party_id: each.payable for each in Entitlement.objects.filter(run=last)} if last else {}
    now_owed = Entitlement.objects.filter(run=run, party__people__is_active=True).order_by("pk").distinct()
    notices = [
        _notice(run, entitlement, before.get(entitlement.party_id))
        for entitlement in now_owed.only("party_id", "amount_fen", "payable_fen")
        if entitlement.payable != before.get(entitlement.party_id, 0)
    ]
    total: dict[str, str | int] = {"year": run.year, "run": run.pk, "amount": yuan(run.payable_fen)}
    notify_all([*notices, Notice("run_done", total, (working_group(),), f"run:{run.pk}", f"/runs/{run.pk}")], now)


def _notice(run: SettlementRun, entitlement: Entitlement, before: int | None) -> Notice:
    values: dict[str, str | int] = {"year": run.year, "run": run.pk, "amount": yuan(entitlement.payable)}
    if before is not None:
        values |= {"before": yuan(before)}
    code = "entitlement_new" if before is None else "entitlement_changed"
    to = (people_of_firm(entitlement.party_id),)
    return Notice(code, values, to, f"run:{run.pk}:entitlement", f"/entitlements/{entitlement.pk}")
