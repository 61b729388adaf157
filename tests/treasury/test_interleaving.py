"""Many writers on one line, over real connections: it is never overdrawn, and nobody waits for ever."""

from __future__ import annotations

import pytest

from huisuan.base.errors import Conflict
from huisuan.treasury.bank_files import make_bank_file
from huisuan.treasury.bank_returns import import_returns, resolve_clearing
from huisuan.treasury.check import prove
from huisuan.treasury.commitments import commit
from huisuan.treasury.models import BankFile, Commitment, PaymentOrder
from support.at_once import at_once
from support.treasury import ACT, balances, committed, line, ordered, promise, returned

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_a_hundred_commitments_at_once_on_room_for_fifty_fifty_stand() -> None:
    on = line(50 * 700)
    wanted = [promise(f"award {number}", 700) for number in range(100)]
    results = []
    for begin in range(0, 100, 20):  # twenty connections at a time
        results += at_once(*[lambda one=one: commit(on, [one], ACT) for one in wanted[begin : begin + 20]])
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) == 50
    assert {type(refusal) for refusal in refused} == {Conflict}
    assert balances(on) == {"appropriated": -35_000, "committed": 35_000}
    assert (Commitment.objects.count(), prove().holds) == (50, True)


def test_two_batches_that_share_a_line_wait_for_one_another_and_never_for_ever() -> None:
    lines = [line(100_000, 2024), line(100_000, 2025)]
    acts = [
        lambda number=number: [
            commit(on, [promise(f"{number} {on.year}", 10)], ACT) for on in lines[:: 1 - 2 * (number % 2)]
        ]
        for number in range(16)
    ]
    assert not [result for result in at_once(*acts) if isinstance(result, Exception)]
    assert [balances(on)["committed"] for on in lines] == [160, 160]


def test_one_order_one_file_and_one_return_however_many_people_act() -> None:
    award = committed(line(100_000), "甲", 30_000)
    results = at_once(*[lambda: ordered(award) for _ in range(8)])
    (order,) = [result for result in results if isinstance(result, PaymentOrder)]
    assert {type(result) for result in results} == {PaymentOrder, Conflict}
    results = at_once(*[lambda: make_bank_file([order], ACT) for _ in range(8)])
    assert sorted(type(result).__name__ for result in results) == ["BankFile"] + ["Conflict"] * 7
    assert BankFile.objects.count() == 1
    files = [returned(f"{order.name},300.00,成功,{number}") for number in range(8)]
    at_once(*[lambda file=file: import_returns(file, "x.csv", ACT) for file in files + files])
    assert balances(line(0)) == {"appropriated": -100_000, "available": 70_000, "paid": 30_000}
    assert prove().holds


def test_what_one_person_takes_out_of_clearing_another_does_not_take_out_again() -> None:
    line(100_000)
    file, _ = import_returns(returned("P99,1.00,成功,"), "r.csv", ACT)
    row = file.lines.get()
    results = at_once(*[lambda number=number: resolve_clearing(row, ACT, f"第 {number} 人") for number in range(6)])
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 5 + ["Entry"]
    assert prove().holds


def test_a_release_and_an_order_at_once_one_of_them_stands() -> None:
    from huisuan.treasury.commitments import release_instalment

    on = line(100_000)
    for number in range(6):
        award = committed(on, f"award {number}", 100)
        part = award.instalments.get()
        results = at_once(lambda award=award: ordered(award), lambda part=part: release_instalment(part, ACT, "撤回"))
        assert len([result for result in results if isinstance(result, Conflict)]) == 1, results
    assert prove().holds
