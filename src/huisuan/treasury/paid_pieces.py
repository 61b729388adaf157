"""Money that the bank paid, payment by payment: what bulletins add up. Recoveries are not taken off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from huisuan.treasury.models import PaymentOrder
from huisuan.treasury.models.commitments import OrderOutcome


@dataclass(frozen=True)
class PaidPiece:
    """One payment, in fen: on which day the bank paid whom (a USCC, or a city's code), where, under which sentence."""

    day: date
    whose: str
    region: str
    sentence: str
    fen: int


def list_paid(policy: str, first: date, last: date) -> Iterator[PaidPiece]:
    """What was paid under a policy from one day to another, both included."""
    paid = PaymentOrder.objects.filter(
        outcome=OrderOutcome.PAID, outcome_entry__day__range=(first, last), instalment__line__policy=policy
    ).order_by("pk")
    rows = paid.values_list(
        "outcome_entry__day", "instalment__commitment__party__uscc", "instalment__commitment__party__region_id",
        "instalment__commitment__city_id", "instalment__line__sentence", "instalment__amount_fen",
    )  # fmt: skip
    for day, uscc, region, city, sentence, fen in rows.iterator():
        assert day is not None  # a paid order has its entry
        yield PaidPiece(day, uscc or city or "", region or city or "", sentence, fen)
