"""When a payment is complete: nothing of the commitments is open or under order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.models import Commitment
from huisuan.treasury.models.commitments import OrderOutcome


@dataclass(frozen=True)
class PaidSoFar:
    """What became of the commitments of an application, in fen."""

    open_fen: int
    ordered_fen: int
    paid_fen: int


def paid_so_far(commitments: Iterable[Commitment]) -> PaidSoFar:
    """Added up over their instalments; what was released is nothing."""
    still_open = ordered = paid = 0
    for commitment in commitments:
        for part in commitment.instalments.all():
            outcomes = {order.outcome for order in part.orders.all()} - {OrderOutcome.FAILED.value}
            if OrderOutcome.PAID.value in outcomes:
                paid += part.amount_fen
            elif outcomes:
                ordered += part.amount_fen
            elif part.release_id is None:
                still_open += part.amount_fen
    return PaidSoFar(still_open, ordered, paid)


def are_paid(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Every instalment is paid or released."""
    committed = commitments_of(applications)
    refused: dict[int, Refused] = {}
    for one in applications:
        found = paid_so_far(committed.get(one.pk, []))
        if found.open_fen or found.ordered_fen:
            refused[one.pk] = Conflict(
                f"{one.number}：还有 {yuan(found.open_fen)} 元未开支付令，{yuan(found.ordered_fen)} 元等银行回单",
                code="award.not_paid_yet",
            )
    return refused
