"""The bank's side of awards, by persons who pay: files of orders, files of returns, and what they bring to an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, NotAllowed, Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_installed
from huisuan.law.procedure import ACTION_WORDS, DUTY_WORDS, Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.earmarking import record_earmarks
from huisuan.programmes.awards.paying import can_be_paid, order_due
from huisuan.programmes.awards.standing import commitments_of, treasury_act
from huisuan.programmes.awards.up_to_date import are_up_to_date
from huisuan.programmes.flags.answered import are_answered
from huisuan.programmes.models import Application, Award, DutyHeld, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.workflow.act import MOST_AT_ONCE, act_on_many
from huisuan.programmes.workflow.permission import Permissions, unknown_application
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns, resolve_clearing
from huisuan.treasury.models import BankFile, BankReturn, BankReturnLine, Entry, PaymentOrder

#: in these states more is paid: the next instalment, what failed at the bank, what is owed after a recovery began
PAID_AGAIN_IN = (State.PAYING.value, State.IN_RECOVERY.value)


def _declared_offices(duty: Duty) -> set[str]:
    """The offices that have a duty of money in some programme of the policies here."""
    laws, _ = load_installed()
    return {
        taken.office for law in laws for spec in law.programmes for taken in spec.steps if taken.duty is duty
    }  # fmt: skip


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


def require_money_post(person: Person, duty: Duty, now: datetime) -> set[str]:
    """The offices in which a person holds a post for a duty of money today.

    Raises:
        NotAllowed: none in an office that commits or pays under some programme; a program.
    """
    held = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=duty)
    offices = set() if person.machine or not person.is_active else {post.office.name for post in held}
    stored = set(ProcedureEdge.objects.filter(duty=duty, office__in=offices).values_list("office", flat=True))
    offices &= stored or _declared_offices(duty)  # nobody may have applied yet under a programme that pays
    if not offices:
        raise NotAllowed(f"须由财政部门当天在任的{DUTY_WORDS[duty][0]}岗位办理", code="award.no_money_post_in_force")
    return offices


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

    Raises:
        NotAllowed: no post to pay in force that day.
        InvalidRequest: no orders wait.
    """
    offices = require_money_post(person, Duty.PAY, now)
    mine = Award.objects.filter(application__edition__edges__in=ProcedureEdge.objects.filter(
        duty=Duty.PAY, office__in=offices
    ))  # fmt: skip
    waiting = PaymentOrder.objects.filter(
        bank_line__isnull=True, outcome="", instalment__commitment__award__in=mine.values("key")
    )
    return make_bank_file(list(waiting), treasury_act(person, now))


@transaction.atomic
def import_bank_returns(
    content: bytes, name: str, person: Person, now: datetime, *, at_once: int = MOST_AT_ONCE
) -> ImportedReturns:
    """Book a file of returns, and complete the payment of applications of which all is paid now, `at_once` an act.

    The same file again books nothing; it enters earmarked money that its register did not take before.

    Raises:
        NotAllowed: no post to pay in force that day.
        InvalidRequest: lines that cannot be read; nothing is booked then.
    """
    require_money_post(person, Duty.PAY, now)
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
        NotAllowed: no post to pay in force that day.
        InvalidRequest: no reason, or the line is not in clearing.
        Conflict: somebody did so before.
    """
    require_money_post(person, Duty.PAY, now)
    return resolve_clearing(line, treasury_act(person, now), reason)
