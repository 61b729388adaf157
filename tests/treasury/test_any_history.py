"""Whatever is done in whatever order, the books are those of an oracle that keeps four numbers an award."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.check import prove
from huisuan.treasury.commitments import release_instalment
from huisuan.treasury.models import Commitment, Instalment, PaymentOrder
from huisuan.treasury.recoveries import claim_back, receive
from support.examples import examples
from support.treasury import ACT, balances, committed, line, ordered, returned, sent

pytestmark = pytest.mark.django_db

_ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 3), st.lists(st.integers(1, 60_000), min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["order", "release", "succeed", "fail"]), st.integers(0, 3), st.integers(1, 3)),
        st.tuples(st.sampled_from(["claim", "receive"]), st.integers(0, 3), st.integers(1, 60_000)),
    ),
    max_size=25,
)


@dataclass
class Award:
    """An award by the oracle: what each instalment is and how it stands; what was claimed and came back."""

    fen: list[int]
    states: list[str] = field(default_factory=list)
    claimed: int = 0
    received: int = 0

    def sum_of(self, state: str) -> int:
        return sum(fen for fen, now in zip(self.fen, self.states, strict=True) if now == state)


class Oracle:
    """The books of one line with 100,000 fen; `may` answers whether an act is to be done, and does it."""

    def __init__(self) -> None:
        self.awards: dict[int, Award] = {}

    @property
    def left(self) -> int:
        return 100_000 - sum(sum(a.fen) - a.sum_of("released") for a in self.awards.values())

    def commit(self, who: int, fen: list[int]) -> bool:
        if who in self.awards:
            return self.awards[who].fen == fen
        if sum(fen) > self.left:
            return False
        self.awards[who] = Award(fen, ["open"] * len(fen))
        return True

    def move(self, who: int, number: int, before: str, after: str) -> bool:
        award = self.awards.get(who)
        if award is None or number > len(award.fen) or award.states[number - 1] != before:
            return False
        award.states[number - 1] = after
        return True

    def claim(self, who: int, fen: int) -> bool:
        award = self.awards.get(who)
        if award is None or award.claimed or fen > award.sum_of("paid"):
            return False
        award.claimed = fen
        return True

    def receive(self, who: int, fen: int) -> bool:
        award = self.awards.get(who)
        if award is None or not award.claimed or fen > award.claimed - award.received:
            return False
        award.received += fen
        return True

    def balances(self) -> dict[str, int]:
        rows = self.awards.values()
        found = {
            "appropriated": -100_000, "available": self.left, "committed": sum(a.sum_of("open") for a in rows),
            "ordered": sum(a.sum_of("ordered") for a in rows),
            "paid": sum(a.sum_of("paid") - a.received for a in rows), "recovered": sum(a.received for a in rows),
            "claimed_back": -sum(a.claimed - a.received for a in rows),
        }  # fmt: skip
        return {kind: fen for kind, fen in found.items() if fen}


def living(who: int, number: int) -> PaymentOrder:
    return PaymentOrder.objects.exclude(outcome="failed").get(
        instalment__commitment__award=f"award {who}", instalment__number=number
    )


def does(oracle: Oracle, place: int, what: str, who: int, with_: list[int] | int) -> tuple[bool, bool]:
    """Whether the oracle and the ledger did it."""
    award = Commitment.objects.filter(award=f"award {who}").first()
    try:
        if isinstance(with_, list):
            may = oracle.commit(who, with_)
            committed(line(0), f"award {who}", *with_)
        elif what == "order":
            may = oracle.move(who, with_, "open", "ordered")
            sent(ordered(award, with_))  # type: ignore[arg-type]
        elif what == "release":
            may = oracle.move(who, with_, "open", "released")
            release_instalment(award.instalments.get(number=with_), ACT, "撤回")  # type: ignore[union-attr]
        elif what in ("succeed", "fail"):
            may = oracle.move(who, with_, "ordered", "paid" if what == "succeed" else "open")
            if not may:
                return False, False  # a line too many goes to clearing: test_bank
            order = living(who, with_)
            fen, word = order.instalment.amount_fen, "成功" if what == "succeed" else "失败"
            import_returns(returned(f"{order.name},{fen // 100}.{fen % 100:02d},{word},{place}"), "x.csv", ACT)
        elif what == "claim":
            may = oracle.claim(who, with_)
            claim_back(f"debt {who} {0 if may else place}", award, with_, "更正", ACT)  # type: ignore[arg-type]
        else:
            may = oracle.receive(who, with_)
            receive(award.debts.get(), with_, f"voucher {place}", ACT)  # type: ignore[union-attr]
    except (Refused, AttributeError, Instalment.DoesNotExist, Commitment.debts.rel.related_model.DoesNotExist):
        return may, False
    return may, True


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_the_books_are_the_oracles_after_any_acts(acts: list[tuple[str, int, list[int] | int]]) -> None:
    from django.db import transaction

    with transaction.atomic():
        oracle, on = Oracle(), line(100_000)
        for place, (what, who, with_) in enumerate(acts):
            if what == "claim" and Commitment.objects.filter(award=f"award {who}", debts__isnull=False).exists():
                continue  # one debt an award is enough for the oracle
            may, did = does(oracle, place, what, who, with_)
            assert may == did, (what, who, with_)
            assert balances(on) == oracle.balances()
        assert prove().holds, prove().findings
        transaction.set_rollback(True)
