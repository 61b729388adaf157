"""A file of returns completes all that it pays for, however many more than one act takes."""

from __future__ import annotations

import pytest

from huisuan.programmes.models import Application
from huisuan.programmes.payments.returns import import_bank_returns
from support.awards import confirmed, offered, walked_offer
from support.programmes import NOON, TREASURY, budget, official, paid_at_bank

pytestmark = pytest.mark.django_db


def test_what_one_act_cannot_take_is_completed_by_several() -> None:
    budget("2.2", 100_000)
    made = [walked_offer(confirmed(offer, number)) for number, offer in enumerate(offered(100, 200, 300), start=1)]
    payer = official("pay of 2.2", "pay", TREASURY)
    booked = import_bank_returns(paid_at_bank(payer), "r.csv", payer, NOON, at_once=2)
    assert (booked.completed, booked.refused) == (tuple(sorted(one.number for one in made)), {})
    assert set(Application.objects.values_list("state", flat=True)) == {"closed"}
