"""Whatever files and returns come, in whatever order: of an instalment nothing is paid, or its amount, once."""

from __future__ import annotations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.base.money import plain_yuan
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns, resolve_clearing
from huisuan.treasury.check import prove
from huisuan.treasury.models import BankReturnLine, Commitment, PaymentOrder
from support.examples import examples
from support.treasury import ACT, balances, committed, line, ordered, returned

pytestmark = pytest.mark.django_db
_FEN = (10_000, 333, 1)
_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(1, 3)),
        st.tuples(st.just("file"), st.just(0)),
        st.tuples(st.just("resolve"), st.just(0)),
        # what the bank says: of which order, what it says became of it, and whether the amount is the order's
        st.tuples(
            st.just("return"),
            st.lists(
                st.tuples(st.integers(0, 4), st.sampled_from(["成功", "失败"]), st.booleans()), min_size=1, max_size=4
            ),
        ),
        st.tuples(st.just("again"), st.integers(0, 5)),
    ),
    max_size=20,
)


class Bank:
    """Acts at the desk and at the bank; the files of returns are kept, to be sent once more."""

    def __init__(self, award: Commitment) -> None:
        self.award, self.sent = award, list[bytes]()

    def does(self, what: str, with_: object) -> None:
        if what == "order":
            ordered(self.award, with_)  # type: ignore[arg-type]
        elif what == "file":
            make_bank_file(list(PaymentOrder.objects.filter(bank_line__isnull=True)), ACT)
        elif what == "resolve":
            for row in BankReturnLine.objects.filter(outcome="clearing", entry__isnull=False)[:1]:
                resolve_clearing(row, ACT, "查明")
        elif what == "again" and self.sent:
            import_returns(self.sent[with_ % len(self.sent)], "again.csv", ACT)  # type: ignore[operator]
        elif what == "return":
            lines = [self._line(*said) for said in with_]  # type: ignore[attr-defined]
            self.sent.append(returned(*lines))
            import_returns(self.sent[-1], "r.csv", ACT)

    def _line(self, which: int, result: str, right: bool) -> str:
        orders = list(PaymentOrder.objects.order_by("pk"))
        if which >= len(orders):
            return f"P99999{which},1.00,{result},"
        fen = orders[which].instalment.amount_fen + (0 if right else 1)
        return f"{orders[which].name},{plain_yuan(fen)},{result},"


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_an_instalment_is_paid_nothing_or_its_amount_whatever_files_and_returns_come(
    acts: list[tuple[str, object]],
) -> None:
    with transaction.atomic():
        on = line(100_000)
        bank = Bank(committed(on, "甲", *_FEN))
        for what, with_ in acts:
            try:
                with transaction.atomic():
                    bank.does(what, with_)
            except Refused:
                continue
        paid = 0
        for part in bank.award.instalments.all():
            outcomes = [order.outcome for order in part.orders.all()]
            assert outcomes.count("paid") <= 1
            assert len([outcome for outcome in outcomes if outcome != "failed"]) <= 1
            paid += part.amount_fen * outcomes.count("paid")
        assert balances(on).get("paid", 0) == paid
        assert prove().holds, prove().findings
        transaction.set_rollback(True)
