"""What was paid above what is owed comes back, to the fen: notified, in instalments, by voucher, on record."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.parties.models import Person
from huisuan.programmes.awards.recovering import debts_of, release_open
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.receipts import debt_to_dict, get_debt, receive_repayment
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Award
from huisuan.programmes.payments.returns import import_bank_returns, order_again
from huisuan.programmes.workflow import act
from huisuan.programmes.workflow.queries import describe_application
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine
from support.awards import GROUP, confirmed, offered, settled, walked_offer
from support.programmes import ENDED, INDUSTRY, NOON, TREASURY, application, budget, official, paid_at_bank, walked
from support.treasury import ACT, balances, committed
from support.treasury import line as project_line

pytestmark = pytest.mark.django_db
WHY = "更正后的用量"


def payer() -> Person:
    return official("pay of 2.2", "pay", TREASURY)


def registrar() -> Person:
    return official("register of 2.2", "register", GROUP)


@pytest.fixture
def paid() -> Application:
    """An offer of 300 yuan, paid."""
    budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]))
    import_bank_returns(paid_at_bank(payer()), "r.csv", payer(), NOON)
    made.refresh_from_db()
    return made


def code(wrong: pytest.ExceptionInfo[Exception]) -> str:
    return str(wrong.value.code)  # type: ignore[attr-defined]


def test_what_was_paid_too_much_is_taken_back_by_instalments_until_the_last_receipt(paid: Application) -> None:
    run = settled(17_777)
    with pytest.raises(Conflict) as no:
        rebase(paid.number, WHY, official("data", "check", "省数据资源局"), NOON)
    assert code(no) == "award.to_be_recovered"
    parts = {"repayments": [[10_000, "2024-12-31"], [2_223, "2025-06-30"]]}
    for wrong in (
        [[10_000, "2024-12-31"]],
        [[0, "2024-12-31"]],
        [["x", 1]],
        [[2_223, "2025-06-30"], [10_000, "2024-12-31"]],
    ):
        with pytest.raises(InvalidRequest):
            act(paid.number, "recover", registrar(), NOON, reason=WHY, payload={"repayments": wrong})
    with pytest.raises(InvalidRequest) as computed:
        act(paid.number, "recover", registrar(), NOON, reason=WHY, payload={"owed_fen": 1})
    assert code(computed) == "award.amount_is_computed"
    with pytest.raises(NotAllowed):
        act(paid.number, "recover", payer(), NOON, reason=WHY)
    act(paid.number, "recover", registrar(), NOON, reason=WHY, payload=parts)
    award = Award.objects.get(application=paid, superseded_by__isnull=True)
    assert (award.amount_fen, award.entitlement.run, award.reason) == (17_777, run, WHY)  # type: ignore[union-attr]
    (debt,) = debts_of([paid])[paid.pk]
    assert (debt.amount_fen, debt.party, debt.reason) == (12_223, paid.party, WHY)
    with pytest.raises(Conflict) as early:
        act(paid.number, "recovered", payer(), NOON)
    assert code(early) == "award.not_paid_back"
    assert not receive_repayment(debt, 2_223, "收 1 号", payer(), NOON).recovered
    with pytest.raises(Conflict) as twice:
        receive_repayment(debt, 2_223, "收 1 号", payer(), NOON)
    assert code(twice) == "treasury.posted_before"
    with pytest.raises(NotAllowed):
        receive_repayment(debt, 1, "收 9 号", registrar(), NOON)
    shown = debt_to_dict(get_debt(debt.key), date(2025, 1, 1))
    assert (shown["left_fen"], shown["overdue_fen"], len(shown["receipts"])) == (10_000, 7_777, 1)
    done = receive_repayment(debt, 10_000, "收 2 号", payer(), NOON + timedelta(days=1))
    assert (done.left_fen, done.recovered) == (0, True)
    paid.refresh_from_db()
    assert (paid.state, prove().holds) == ("closed", True)
    assert balances(debt.line) == {
        "appropriated": -100_000, "available": 70_000, "paid": 17_777, "recovered": 12_223,
    }  # fmt: skip


def test_a_debt_shows_at_every_other_application_of_the_party(paid: Application) -> None:
    other = application(1)
    assert describe_application(other)["open_debts"] == []
    settled(20_000)
    act(paid.number, "recover", registrar(), NOON, reason=WHY)
    (debt,) = debts_of([paid])[paid.pk]
    assert describe_application(other)["open_debts"] == [{"debt": debt.key, "left_fen": 10_000, "reason": WHY}]
    assert describe_application(application(2))["open_debts"] == []
    receive_repayment(debt, 10_000, "收 1 号", payer(), NOON)
    assert describe_application(other)["open_debts"] == []


def test_what_is_owed_as_paid_is_not_taken_back_and_a_second_recovery_takes_the_difference_alone(
    paid: Application,
) -> None:
    with pytest.raises(Conflict) as nothing:
        act(paid.number, "recover", registrar(), NOON, reason=WHY)
    assert code(nothing) == "award.nothing_to_recover"
    for owed, back in ((20_000, 10_000), (19_999, 1), (0, 19_999)):
        settled(owed)
        act(paid.number, "recover", registrar(), NOON, reason=WHY)
        debt = debts_of([paid])[paid.pk][-1]
        assert debt.amount_fen == back
        receive_repayment(debt, back, "收", payer(), NOON)
    paid.refresh_from_db()
    assert (paid.state, prove().holds) == ("closed", True)


def test_where_no_rule_computes_the_amount_what_is_owed_is_named() -> None:
    made = application()
    walked(made)
    registers = official("registers", "register", INDUSTRY)
    with pytest.raises(InvalidRequest) as missing:
        act(made.number, "recover", registers, NOON, reason=WHY)
    assert code(missing) == "award.owed_missing"
    act(made.number, "recover", registers, NOON, reason=WHY, payload={"owed_fen": 1_000_000})
    (debt,) = debts_of([made])[made.pk]
    assert debt.amount_fen == 4_000_000
    made.refresh_from_db()
    assert made.state == "in_recovery"


def test_an_award_whose_order_failed_is_lowered_and_the_lower_one_is_paid() -> None:
    made = application()
    walked(made, "pay")
    paying, registers = official("payer", "pay", TREASURY), official("registers", "register", INDUSTRY)
    lower = {"owed_fen": 1_000_000}
    with pytest.raises(Conflict) as at_bank:
        act(made.number, "recover", registers, NOON, reason=WHY, payload=lower)
    assert code(at_bank) == "award.order_under_way"
    import_bank_returns(paid_at_bank(paying, "失败"), "r.csv", paying, NOON)
    with pytest.raises(Conflict) as as_granted:
        act(made.number, "recover", registers, NOON, reason=WHY, payload={"owed_fen": 5_000_000})
    assert code(as_granted) == "award.nothing_to_recover"
    act(made.number, "recover", registers, ENDED, reason=WHY, payload=lower)
    made.refresh_from_db()
    assert (made.state, made.amount_fen, debts_of([made])) == ("in_recovery", 1_000_000, {})
    with pytest.raises(Conflict) as unpaid:
        act(made.number, "recovered", paying, ENDED)
    assert code(unpaid) == "award.not_committed"
    commit_again([made.number], official("commiter", "commit", TREASURY), ENDED)
    order_again([made.number], paying, ENDED)
    with pytest.raises(Conflict) as waits:
        act(made.number, "recovered", paying, ENDED)
    assert code(waits) == "award.not_paid_yet"
    import_bank_returns(paid_at_bank(paying), "r2.csv", paying, ENDED)
    act(made.number, "recovered", paying, ENDED)
    made.refresh_from_db()
    assert (made.state, prove().holds) == ("closed", True)
    (line,) = AppropriationLine.objects.all()
    assert (balances(line)["paid"], balances(line)["available"]) == (1_000_000, 999_000_000)


@pytest.mark.parametrize(("owed", "released", "debt"), [(35_000, 12_000, 0), (20_000, 12_000, 10_000)])
def test_of_a_half_paid_award_only_what_was_paid_above_what_is_owed_is_a_debt(
    owed: int, released: int, debt: int
) -> None:
    """30,000 fen are paid and 12,000 set aside."""
    line = budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]))
    import_returns(paid_at_bank(payer()), "r.csv", treasury_act(payer(), NOON))
    settled(42_000)
    rebase(made.number, WHY, official("decide of 2.2", "decide", GROUP), NOON)
    commit_again([made.number], official("commit of 2.2", "commit", TREASURY), NOON)
    assert balances(line)["committed"] == released
    settled(owed)
    act(made.number, "recover", registrar(), ENDED, reason=WHY)
    assert "committed" not in balances(line)
    assert sum(one.amount_fen for one in debts_of([made]).get(made.pk, [])) == debt
    assert Award.objects.get(application=made, superseded_by__isnull=True).amount_fen == owed
    assert prove().holds


def test_the_first_instalments_that_are_still_owed_stay_set_aside() -> None:
    on = project_line()
    commitment = committed(on, "award", 10_000, 5_000, 5_000)
    assert release_open([commitment], ACT, WHY, keep=12_000) == 10_000
    assert balances(on)["committed"] == 10_000
