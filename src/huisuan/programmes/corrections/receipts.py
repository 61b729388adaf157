"""Money that comes back: booked by whoever pays, once a voucher; with the last of it the recovery is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.awards.pleading import unanswered_pleas
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.models import Application, Award, DutyHeld
from huisuan.programmes.workflow.act import act
from huisuan.programmes.workflow.permission import Permissions
from huisuan.treasury.models import Debt, Entry, EntryKind
from huisuan.treasury.recoveries import overdue_fen, receive


@dataclass(frozen=True)
class Receipt:
    """What was booked, what of the debt is left, and whether the recovery is over with it."""

    entry: Entry
    left_fen: int
    recovered: bool


def get_debt(key: str) -> Debt:
    """A debt by its key.

    Raises:
        NotFound: none.
    """
    found = Debt.objects.select_related("account", "line", "commitment", "party", "city").filter(key=key).first()
    if found is None:
        raise NotFound(f"没有追回 {key}", code="treasury.debt_unknown")
    return found


@transaction.atomic
def receive_repayment(debt: Debt, fen: int, voucher: str, person: Person, now: datetime) -> Receipt:
    """Book money that came back for a debt; the application is recovered once nothing is open.

    Raises:
        NotAllowed: no post to pay it in force that day.
        InvalidRequest: no voucher, or an amount that cannot be meant.
        Conflict: more than is open, or the voucher was booked before.
    """
    pk = Award.objects.get(key=debt.commitment.award).application_id
    locked = Application.objects.select_for_update(of=("self",), no_key=True).select_related("party", "edition")
    application = locked.get(pk=pk)
    if refusal := Permissions.load(person, "recovered", "", [application], now).ask_duty(application):
        raise refusal
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=application, person=person, duty=Duty.PAY.value)], ignore_conflicts=True
    )
    entry = receive(debt, fen, voucher, treasury_act(person, now))
    debts = debts_of([application])[application.pk]
    back = not any(each.account.balance for each in debts) and application.state == State.IN_RECOVERY
    over = back and not unanswered_pleas([application])
    if over:
        act(application.number, "recovered", person, now, reason=f"凭证 {voucher.strip()}")
    return Receipt(entry, next(each.account.balance for each in debts if each.pk == debt.pk), over)


def debt_to_dict(debt: Debt, day: date) -> dict[str, Any]:
    """A debt as JSON carries it: what is left, by when, and what came, in fen."""
    receipts = Entry.objects.filter(kind=EntryKind.RECEIPT, postings__account=debt.account_id).order_by("pk")
    return {
        "debt": debt.key, "award": debt.commitment.award, "line": str(debt.line),
        "party": debt.party.uscc if debt.party else debt.city_id, "reason": debt.reason,
        "amount_fen": debt.amount_fen, "left_fen": debt.account.balance, "overdue_fen": overdue_fen(debt, day),
        "at": debt.at.astimezone(SHANGHAI).isoformat(),
        "repayments": [
            {"number": part.number, "amount_fen": part.amount_fen, "due_on": part.due_on.isoformat()}
            for part in debt.repayments.all()
        ],
        "receipts": [
            {"voucher": entry.reason, "day": entry.day.isoformat(), "by": entry.by,
             "amount_fen": -next(p.amount_fen for p in entry.postings.all() if p.account_id == debt.account_id)}
            for entry in receipts.prefetch_related("postings")
        ],
    }  # fmt: skip
