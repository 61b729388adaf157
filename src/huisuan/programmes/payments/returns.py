"""The bank's side of awards, by persons who pay: files of orders, files of returns, and what they bring to an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, Refused
from huisuan.law.procedure import ACTION_WORDS, Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.earmarking import record_earmarks
from huisuan.programmes.awards.paying import can_be_paid, order_due
from huisuan.programmes.awards.standing import commitments_of, treasury_act
from huisuan.programmes.awards.up_to_date import are_up_to_date
from huisuan.programmes.flags.answered import are_answered
from huisuan.programmes.models import Application, Award, DutyHeld, Post
from huisuan.programmes.payments.money_posts import (
    barred_applications,
    orders_of,
    require_money_post,
    require_own_orders,
)
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.workflow.act import MOST_AT_ONCE, act_on_many
from huisuan.programmes.workflow.permission import Permissions, unknown_application
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns, orders_named, resolve_clearing
from huisuan.treasury.models import BankFile, BankReturn, BankReturnLine, Entry, PaymentOrder

#: in these states more is paid: the next instalment, what failed at the bank, what is owed after a recovery began
PAID_AGAIN_IN = (State.PAYING.value, State.IN_RECOVERY.value)


@dataclass(frozen=True)
class ImportedReturns:
    """A file of returns: whether it is new, the applications that it brought to an end, and which could not be.

    `not_entered`: earmarked money that was paid and that its register did not take, by application and why.
    """

    file: BankReturn
    new: bool
    completed: tuple[str, ...]
    refused: Mapping[str, Refused]
    not_entered: Mapping[str, str]


@transaction.atomic
def order_again(numbers: Sequence[str], person: Person, now: datetime) -> list[PaymentOrder]:
    """Orders for what came due, or failed at the bank, of applications that are being paid; all or none.

    Raises:
        NotFound, NotAllowed, Conflict: of the first application for which it may not be.
    """
    locked = Application.objects.filter(number__in=numbers).order_by("pk").select_for_update(of=("self",), no_key=True)
    held = {one.number: one for one in locked.select_related("party", "edition")}
    permissions = Permissions.load(person, "pay", "", list(held.values()), now)
    for number in numbers:
        if number not in held:
            raise unknown_application(number)
        if refusal := permissions.ask_duty(held[number]):
            raise refusal
        if held[number].state not in PAID_AGAIN_IN:
            raise Conflict(
                f"{number}：不在支付中，不能再开支付令；首次支付请办“{ACTION_WORDS['pay'].zh}”", code="award.not_paying"
            )
    applications, asked = list(held.values()), AskedStep("pay", person, now, None, {})
    for condition in (are_answered, are_up_to_date, can_be_paid):
        for refusal in condition(applications, asked).values():
            raise refusal
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=one, person=person, duty=Duty.PAY.value) for one in applications], ignore_conflicts=True
    )
    return order_due(applications, person, now)


@transaction.atomic
def send_orders(person: Person, now: datetime) -> BankFile:
    """Put all orders of the person's own office that are in no file yet into one for the bank.

    Orders of applications that the person is tied to, or has another duty in, wait for somebody else.

    Raises:
        NotAllowed: no post to pay in force that day.
        InvalidRequest: no orders wait.
    """
    waiting = orders_of(require_money_post(person, Duty.PAY, now)).filter(bank_line__isnull=True, outcome="")
    barred = Award.objects.filter(application__number__in=barred_applications(waiting, person, now))
    mine = waiting.exclude(instalment__commitment__award__in=barred.values("key"))
    return make_bank_file(list(mine), treasury_act(person, now))


@transaction.atomic
def import_bank_returns(
    content: bytes, name: str, person: Person, now: datetime, *, at_once: int = MOST_AT_ONCE
) -> ImportedReturns:
    """Book a file of returns, and complete the payment of applications of which all is paid now, `at_once` an act.

    The same file again books nothing; it enters earmarked money that its register did not take before.

    Raises:
        NotAllowed: no post to pay in force that day; a line names an order that the person may not pay: of another
            office, of a party that the person is tied to, or where the person has another duty. Nothing is booked then.
        InvalidRequest: lines that cannot be read; nothing is booked then.
    """
    require_money_post(person, Duty.PAY, now)
    require_own_orders(orders_named(content), person, now)
    file, new = import_returns(content, name, treasury_act(person, now))
    numbers, done, refused = _wholly_paid(file) if new else [], list[str](), dict[str, Refused]()
    for first in range(0, len(numbers), at_once):
        outcome = act_on_many(numbers[first : first + at_once], "complete", person, now, reason=f"银行回单 R{file.pk}")
        done += [step.application.number for step in outcome.done]
        refused |= outcome.refused
    return ImportedReturns(file, new, tuple(sorted(done)), refused, record_earmarks(_touched(file), person, now))


def _touched(file: BankReturn) -> list[Application]:
    keys = PaymentOrder.objects.filter(returns__file=file).values_list("instalment__commitment__award", flat=True)
    named = Award.objects.filter(key__in=set(keys)).values("application")
    return list(Application.objects.filter(pk__in=named).select_related("edition", "party").order_by("pk"))


def _wholly_paid(file: BankReturn) -> list[str]:
    keys = PaymentOrder.objects.filter(returns__file=file).values_list("instalment__commitment__award", flat=True)
    paying = list(
        Application.objects.filter(state=State.PAYING.value, awards__in=Award.objects.filter(key__in=set(keys)))
        .order_by("pk").distinct()
    )  # fmt: skip
    committed = commitments_of(paying)
    found = {one.number: paid_so_far(committed.get(one.pk, [])) for one in paying}
    return [number for number, so_far in found.items() if not (so_far.open_fen or so_far.ordered_fen)]


@transaction.atomic
def resolve_return(line: BankReturnLine, person: Person, now: datetime, reason: str) -> Entry:
    """Take a line that fitted no order out of clearing, with the reason.

    Raises:
        NotAllowed: no post to pay in force that day, or the line is another office's: it names an order of that one, or
            fits none and stands in a file that one imported.
        InvalidRequest: no reason, or the line is not in clearing.
        Conflict: somebody did so before.
    """
    offices = require_money_post(person, Duty.PAY, now)
    if line.order is None:
        importers = Post.objects.filter(person__username=line.file.by, duty=Duty.PAY)
        require_money_post(
            person, Duty.PAY, now, among=set(importers.values_list("office__name", flat=True)) or offices
        )
    else:
        require_own_orders(PaymentOrder.objects.filter(pk=line.order.pk), person, now)
    return resolve_clearing(line, treasury_act(person, now), reason)
