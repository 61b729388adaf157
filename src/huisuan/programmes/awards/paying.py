"""Paying: orders for the instalments that are due, to the account in force; nothing while a change of it waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from huisuan.base.errors import Conflict, Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person
from huisuan.programmes.awards.closing import not_committed_again, paid_so_far
from huisuan.programmes.awards.milestones import accepted_amounts
from huisuan.programmes.awards.standing import commitments_of, payees_in_force, standing_awards, treasury_act
from huisuan.programmes.models import PAYEE_WAITS, Application, ApplicationStep, PayeeAccount
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.models import Commitment, Instalment, PaymentOrder
from huisuan.treasury.models.commitments import OrderOutcome
from huisuan.treasury.orders import Payee, order_payments


def can_be_paid(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """The award that stands is committed, an instalment is due, the account is known and no change of it waits.

    An award that was re-based to nothing goes on with nothing to pay.
    """
    day = asked.now.astimezone(SHANGHAI).date()
    awards, committed, payees = (
        standing_awards(applications),
        commitments_of(applications),
        payees_in_force(applications),
    )
    accepted = accepted_amounts(applications)
    waiting = set(
        PayeeAccount.objects.filter(PAYEE_WAITS, application__in=applications)
        .values_list("application_id", flat=True)
    )  # fmt: skip
    refused: dict[int, Refused] = {}
    for one in applications:
        found = committed.get(one.pk, [])
        if one.pk not in awards or paid_so_far(found).covered_fen != awards[one.pk].amount_fen:
            refused[one.pk] = not_committed_again(one.number)
        elif one.pk in waiting:
            refused[one.pk] = Conflict(f"{one.number}：收款账户等第二人确认", code="award.payee_change_waits")
        elif one.pk not in payees:
            refused[one.pk] = Conflict(
                f"{one.number}：没有收款账户；请申报单位在此件的页面填写", code="award.payee_missing"
            )
        elif awards[one.pk].amount_fen and not due_instalments(found, day, accepted.get(one.pk)):
            refused[one.pk] = _nothing_due(one, one.pk in accepted)
    return refused


def _nothing_due(application: Application, by_milestone: bool) -> Conflict:
    if by_milestone:
        return Conflict(f"{application.number}：没有已验收而未付的节点", code="award.no_milestone_accepted")
    return Conflict(f"{application.number}：没有到期而未开支付令的分期", code="award.nothing_due")


def order_awards(steps: Sequence[ApplicationStep]) -> None:
    """Orders for what is due of each."""
    order_due([step.application for step in steps], steps[0].person, steps[0].at)


def order_due(applications: Sequence[Application], person: Person, now: datetime) -> list[PaymentOrder]:
    """Draw up the orders that may be drawn up now, for applications of which all is in order to pay."""
    day, payees = now.astimezone(SHANGHAI).date(), payees_in_force(applications)
    parts: list[Instalment] = []
    accounts: dict[int, Payee] = {}
    accepted = accepted_amounts(applications)
    for pk, commitments in commitments_of(applications).items():
        parts += due_instalments(commitments, day, accepted.get(pk))
        payee = Payee(payees[pk].name, payees[pk].account_number, payees[pk].bank)
        accounts |= {commitment.pk: payee for commitment in commitments}
    return order_payments(parts, accounts, treasury_act(person, now))


def due_instalments(commitments: Sequence[Commitment], day: date, accepted_fen: int | None = None) -> list[Instalment]:
    """Those that are open and due on a day; under a contract as many, in order, as the accepted milestones cover.

    What was paid and has to come back pays for no milestone.
    """
    due = [
        part
        for commitment in commitments
        for part in commitment.instalments.all()
        if is_payable(part) and (part.due_on is None or part.due_on <= day)
    ]
    if accepted_fen is None:
        return due
    so_far, covered = paid_so_far(commitments), list[Instalment]()
    left = accepted_fen - so_far.ordered_fen - so_far.kept_fen
    for part in due:
        left -= part.amount_fen
        if left < 0:
            break
        covered.append(part)
    return covered


def is_payable(part: Instalment) -> bool:
    """Whether an instalment is neither released nor under order nor paid."""
    return part.release_id is None and all(order.outcome == OrderOutcome.FAILED for order in part.orders.all())
