"""The ledger refuses in the database what must not be, whoever writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.treasury.check import prove
from huisuan.treasury.commitments import commit, release_instalment
from huisuan.treasury.ledger import Movement, line_accounts, post_entries, reverse
from huisuan.treasury.lines import appropriate, carry_over, lapse
from huisuan.treasury.models import Account, AccountKind, Commitment, Entry, EntryKind, Posting
from support.treasury import ACT, balances, committed, line, ordered, promise

pytestmark = pytest.mark.django_db


def moved(kind: EntryKind, **fen: int) -> Movement:
    """An entry on the only line."""
    accounts = line_accounts(line(0))
    return Movement(f"by hand {fen}", kind, {accounts[AccountKind(name)]: amount for name, amount in fen.items()})


def test_money_goes_from_the_budget_to_an_award_and_the_books_are_true() -> None:
    on = line(100_000)
    committed(on, "甲", 30_000, 20_000)
    assert balances(on) == {"appropriated": -100_000, "available": 50_000, "committed": 50_000}
    assert prove().holds


def test_an_award_beyond_the_budget_is_refused_and_nothing_of_the_batch_stands() -> None:
    on = line(100_000)
    with pytest.raises(Conflict, match=r"可用 1,000.00 元，不够承诺 1,000.01 元"):
        commit(on, [promise("甲", 60_000), promise("乙", 40_001)], ACT)
    assert balances(on) == {"appropriated": -100_000, "available": 100_000}
    assert not Commitment.objects.exists()


def test_committing_the_same_award_again_changes_nothing_and_with_other_figures_is_refused() -> None:
    on = line(100_000)
    first = committed(on, "甲", 30_000)
    assert commit(on, [promise("甲", 30_000)], ACT) == [first.pk]
    assert commit(on, [promise("甲", 30_000), promise("乙", 1)], ACT)[0] == first.pk
    assert balances(on)["committed"] == 30_001
    for other in (promise("甲", 30_001), promise("甲", 30_000, who=2), promise("甲", 15_000, 15_000)):
        with pytest.raises(Conflict, match="已有另外的承诺"):
            commit(on, [other], ACT)
    for wrong, told in (
        ([promise("丙", 1), promise("丙", 1)], "重复"), ([promise("", 1)], "没有编号"), ([promise("丙")], "没有分期"),
        ([promise("丙", 1, 0)], "须大于 0"), ([promise("丙", 10**15, 1)], "不超过"),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest, match=told):
            commit(on, wrong, ACT)


def test_a_promise_is_to_a_party_or_to_a_city_and_never_to_both() -> None:
    on = line(100_000)
    both = replace(promise("甲", 1), city="340100")
    for wrong in (both, replace(both, party=None, city=None)):
        with pytest.raises(IntegrityError, match="commitment_to_a_party_or_a_city"), transaction.atomic():
            commit(on, [wrong], ACT)
    (made,) = Commitment.objects.filter(pk__in=commit(on, [replace(both, party=None)], ACT))
    (part,) = made.instalments.all()
    assert (made.city_id, str(made), str(part)) == ("340100", "甲 1", f"{made.pk}/1")
    assert {str(each) for each in on.accounts.filter(kind="paid")} == {f"paid {on.pk}"}
    assert {str(each.entry) for each in Posting.objects.filter(entry=made.entry)} == {"commitment commitment:甲"}
    assert balances(on)["committed"] == 1


@pytest.mark.parametrize(
    "fen", [{"available": -1}, {"available": -1, "committed": 2}, {"available": -100_001, "committed": 100_001}]
)
def test_an_entry_that_does_not_balance_or_overdraws_is_refused_by_the_database(fen: dict[str, int]) -> None:
    on = line(100_000)
    with pytest.raises((DatabaseError, Conflict)), transaction.atomic():
        post_entries([moved(EntryKind.COMMITMENT, **fen)], ACT)
    assert balances(on) == {"appropriated": -100_000, "available": 100_000}


def test_an_entry_takes_no_further_postings() -> None:
    line(100_000)
    entry = post_entries([moved(EntryKind.COMMITMENT, available=-5, committed=5)], ACT)[0]
    accounts = line_accounts(line(0))
    with pytest.raises(DatabaseError, match="posted once"), transaction.atomic():
        Posting.objects.bulk_create(
            Posting(entry=entry, account_id=accounts[kind], amount_fen=fen)
            for kind, fen in ((AccountKind.ORDERED, 3), (AccountKind.PAID, -3))
        )


def test_balances_entries_and_postings_are_not_written_by_hand() -> None:
    on = line(100_000)
    available = line_accounts(on)[AccountKind.AVAILABLE]
    attempts = (
        f"UPDATE treasury_account SET balance = balance + 1 WHERE id = {available}",
        f"UPDATE treasury_account SET floor = -1 WHERE id = {available}",
        f"DELETE FROM treasury_account WHERE id = {available}",
        "UPDATE treasury_posting SET amount_fen = amount_fen + 1",
        "DELETE FROM treasury_posting",
        "UPDATE treasury_entry SET reason = 'x'",
        f"INSERT INTO treasury_account (kind, line_id, debt, floor, balance) VALUES ('receivable', {on.pk}, 'x', 0, 5)",
    )
    for statement in attempts:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Account.objects.get(pk=available).balance == 100_000


def test_a_reversal_takes_back_exactly_once_and_exactly_as_much() -> None:
    on = line(100_000)
    entry = appropriate(on, 500, "皖财教〔2024〕102 号", ACT)
    wrong = moved(EntryKind.REVERSAL, available=-400, appropriated=400)
    with pytest.raises(DatabaseError, match="to the fen"), transaction.atomic():
        post_entries([Movement(wrong.key, wrong.kind, wrong.postings, "", entry.pk)], ACT)
    reverse(entry, ACT, "录重了")
    with pytest.raises(Conflict, match="冲销过"):
        reverse(entry, ACT, "录重了")
    assert balances(on)["available"] == 100_000


def test_a_document_gives_money_once() -> None:
    on = line(100_000)
    for document in ("皖财教〔2024〕101 号", "皖财教[２０２４]101号"):
        with pytest.raises(Conflict, match="已经记过"):
            appropriate(on, 100_000, document, ACT)
    with pytest.raises(Conflict, match="余额不够"):
        appropriate(on, -100_001, "皖财教〔2024〕103 号", ACT)
    for fen, document in ((0, "皖财教〔2024〕104 号"), (10**15 + 1, "皖财教〔2024〕104 号"), (1, "  "), (1, "皖" * 81)):
        with pytest.raises(InvalidRequest):
            appropriate(on, fen, document, ACT)
    assert Entry.objects.count() == 1


def test_what_is_released_is_available_again_and_cannot_be_ordered() -> None:
    on = line(100_000)
    award = committed(on, "甲", 30_000, 20_000)
    second = award.instalments.get(number=2)
    with pytest.raises(InvalidRequest, match="须写明理由"):
        release_instalment(second, ACT, " ")
    release_instalment(second, ACT, "里程碑未达到")
    assert balances(on) == {"appropriated": -100_000, "available": 70_000, "committed": 30_000}
    for act in (lambda: ordered(award, 2), lambda: release_instalment(second, ACT, "再来")):
        with pytest.raises(Conflict, match="已解除"):
            act()
    ordered(award, 1)
    with pytest.raises(Conflict, match="已开支付令"):
        release_instalment(award.instalments.get(number=1), ACT, "晚了")
    assert prove().holds


def test_an_instalment_is_not_ordered_before_its_day() -> None:
    on = line(100_000)
    later = Commitment.objects.get(pk=commit(on, [promise("甲", 100, due=date(2024, 9, 3))], ACT)[0])
    with pytest.raises(Conflict, match="2024-09-03 才到期"):
        ordered(later)


def test_at_the_end_of_the_year_promises_are_carried_over_and_the_rest_lapses() -> None:
    on, following = line(100_000), line(50_000, year=2025)
    award = committed(on, "甲", 30_000, 20_000)
    ordered(award, 1)
    assert carry_over(on, following, ACT) == 1
    assert balances(on) == {"appropriated": -80_000, "available": 50_000, "ordered": 30_000}
    assert balances(following) == {"appropriated": -70_000, "available": 50_000, "committed": 20_000}
    lapse(on, ACT)
    assert balances(on) == {"appropriated": -80_000, "lapsed": 50_000, "ordered": 30_000}
    ordered(award, 2)
    assert balances(following)["ordered"] == 20_000
    for act in (lambda: carry_over(on, following, ACT), lambda: carry_over(following, on, ACT), lambda: lapse(on, ACT)):
        with pytest.raises(Conflict):
            act()
    assert prove().holds
