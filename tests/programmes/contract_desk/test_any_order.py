"""Whatever is done in whatever order: no more is ordered than what the accepted milestones are worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.base.money import plain_yuan
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.models import Application
from huisuan.programmes.payments.returns import order_again, send_orders
from huisuan.programmes.workflow import act
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.models import PaymentOrder
from support.contracts import LATER, committed, open_challenge, reported, signer
from support.programmes import TREASURY, official
from support.treasury import returned

pytestmark = pytest.mark.django_db
WORTH = {1: 80_000_000, 2: 120_000_000}
_ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["report", "accept", "refuse"]), st.sampled_from([1, 2])),
        st.tuples(st.sampled_from(["pay", "order", "succeed", "fail", "revoke"]), st.just(0)),
    ),
    max_size=18,
)


@dataclass
class Oracle:
    """What was reported and accepted, as the test itself keeps it."""

    reported: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)

    def accept(self, milestone: int) -> bool:
        may = milestone in self.reported - self.accepted and (milestone == 1 or 1 in self.accepted)
        self.accepted |= {milestone} if may else set()
        return may

    @property
    def worth(self) -> int:
        return sum(WORTH[each] for each in self.accepted)


def do(made: Application, what: str, milestone: int, serial: int) -> None:
    payer = official("payer", "pay", TREASURY)
    match what:
        case "report":
            reported(made, milestone)
        case "accept" | "refuse":
            decide_milestone(made.number, milestone, "看过", signer(), LATER, accepted=what == "accept", score=80)
        case "pay":
            act(made.number, "pay", payer, LATER)
        case "order":
            order_again([made.number], payer, LATER)
        case "revoke":
            act(made.number, "revoke", official("decider", "decide", "省科技厅"), LATER, reason="不成立")
        case _:
            file = send_orders(payer, LATER)
            word = "成功" if what == "succeed" else "失败"
            orders = PaymentOrder.objects.filter(bank_line__file=file).select_related("instalment")
            lines = [f"{one.name},{plain_yuan(one.instalment.amount_fen)},{word}," for one in orders]
            import_returns(returned(*lines), f"{serial}.csv", treasury_act(payer, LATER))


def ordered_fen(made: Application) -> int:
    living = PaymentOrder.objects.filter(instalment__commitment__award__startswith=f"{made.number}.")
    return sum(one.instalment.amount_fen for one in living.exclude(outcome="failed").select_related("instalment"))


@pytest.fixture
def made() -> Application:
    return committed(open_challenge())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
@given(acts=_ACTS)
def test_no_order_of_acts_pays_for_what_was_not_accepted(made: Application, acts: list[tuple[str, int]]) -> None:
    oracle, before = Oracle(), transaction.savepoint()
    for serial, (what, milestone) in enumerate(acts):
        try:
            with transaction.atomic():
                do(made, what, milestone, serial)
            done = True
        except Refused:
            done = False
        if what == "report" and done:
            oracle.reported.add(milestone)
        if what == "accept" and Application.objects.get(pk=made.pk).state != "refused":
            assert done == oracle.accept(milestone)
        assert ordered_fen(made) <= oracle.worth
    transaction.savepoint_rollback(before)
