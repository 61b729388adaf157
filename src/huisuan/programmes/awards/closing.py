"""When a payment is complete: nothing of the commitments is open or under order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.models import Commitment
from huisuan.treasury.models.commitments import OrderOutcome


@dataclass(frozen=True)
class PaidSoFar:
    """What became of the commitments of an application, in fen; `claimed_fen` is what of the paid has to come back."""

    open_fen: int
    ordered_fen: int
    paid_fen: int
    claimed_fen: int

    @property
    def kept_fen(self) -> int:
        """What was paid and has not to come back."""
        return self.paid_fen - self.claimed_fen

    @property
    def covered_fen(self) -> int:
        """What is set aside, under order or paid for good: the award, unless it was re-based since."""
        return self.open_fen + self.ordered_fen + self.kept_fen


def paid_so_far(commitments: Iterable[Commitment]) -> PaidSoFar:
    """Added up over their instalments; what was released is nothing."""
    still_open = ordered = paid = claimed = 0
    for commitment in commitments:
        claimed += sum(debt.claimed_fen for debt in commitment.debts.all())
        for part in commitment.instalments.all():
            outcomes = {order.outcome for order in part.orders.all()} - {OrderOutcome.FAILED.value}
            if OrderOutcome.PAID.value in outcomes:
                paid += part.amount_fen
            elif outcomes:
                ordered += part.amount_fen
            elif part.release_id is None:
                still_open += part.amount_fen
    return PaidSoFar(still_open, ordered, paid, claimed)


def not_committed_again(number: str) -> Conflict:
    """The refusal for an award that was re-based, of which the treasury has not set the money aside anew."""
    return Conflict(f"{number}：金额重定后资金尚未重新下达（huisuan treasury commit）", code="award.not_committed")


def are_paid(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Every instalment is paid or released, and what was granted is paid."""
    committed, awards = commitments_of(applications), standing_awards(applications)
    refused: dict[int, Refused] = {}
    for one in applications:
        found = paid_so_far(committed.get(one.pk, []))
        if found.open_fen or found.ordered_fen:
            refused[one.pk] = Conflict(
                f"{one.number}：还有 {yuan(found.open_fen)} 元未开支付令，{yuan(found.ordered_fen)} 元等银行回单",
                code="award.not_paid_yet",
            )
        elif one.pk in awards and awards[one.pk].amount_fen != found.kept_fen:
            refused[one.pk] = not_committed_again(one.number)
    return refused
