"""What a party says against a recovery is upheld by another than who began it: less is open, the award is restored."""

from __future__ import annotations

import pytest
from django.test import Client

from huisuan.base.errors import Conflict, NotAllowed
from huisuan.parties.models import Person
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.corrections.receipts import debt_to_dict, get_debt, receive_repayment
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application
from huisuan.programmes.papers.issuing import issue_from_record
from huisuan.programmes.payments.returns import import_bank_returns, order_again
from huisuan.programmes.workflow import act
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine, Debt
from huisuan.treasury.statements import load_money_statement
from support.accounts import personal_caller
from support.programmes import ENDED, INDUSTRY, LAW, TREASURY, applicant, application, official, paid_at_bank, walked
from support.treasury import balances

pytestmark = pytest.mark.django_db
WHY = "应得少写了一位"


def payer() -> Person:
    return official("payer", "pay", TREASURY)


def hearer() -> Person:
    return official("hearer", "register", INDUSTRY)


@pytest.fixture
def recovered() -> Application:
    """5,000,000 fen were paid; by a slip 100,000 are said to be owed."""
    made = application()
    walked(made)
    registrar = official("registers", "register", INDUSTRY)
    act(made.number, "recover", registrar, ENDED, reason="更正", payload={"owed_fen": 100_000})
    act(made.number, "plead", applicant(), ENDED, reason="应得不止 1,000 元")
    return made


def debt_of(made: Application) -> Debt:
    (debt,) = debts_of([made])[made.pk]
    return debt


def test_a_recovery_that_was_wrong_altogether_ends_with_nothing_paid_back(recovered: Application) -> None:
    act(recovered.number, "relent", hearer(), ENDED, reason=WHY)
    recovered.refresh_from_db()
    debt = debt_of(recovered)
    assert (recovered.amount_fen, debt.account.balance, debt.claimed_fen) == (5_000_000, 0, 0)
    act(recovered.number, "recovered", payer(), ENDED)
    recovered.refresh_from_db()
    assert (recovered.state, prove().holds) == ("closed", True)
    assert balances(AppropriationLine.objects.get()) == {
        "appropriated": -1_000_000_000, "available": 995_000_000, "paid": 5_000_000,
    }  # fmt: skip


def test_a_mistyped_amount_is_corrected_and_only_the_right_excess_is_still_open(recovered: Application) -> None:
    act(recovered.number, "relent", hearer(), ENDED, reason=WHY, payload={"owed_fen": 1_000_000})
    debt = debt_of(recovered)
    assert (debt.account.balance, debt.claimed_fen) == (4_000_000, 4_000_000)
    assert debt_to_dict(get_debt(debt.key), ENDED.date())["left_fen"] == 4_000_000
    letter = str(issue_from_record("recovery", recovered.number, hearer(), ENDED).letter)
    assert "应得 10,000.00 元，须退回 40,000.00 元" in letter
    assert f"本单位采纳申辩：{WHY}" in letter
    assert receive_repayment(debt, 4_000_000, "收 1 号", payer(), ENDED).recovered
    (row,) = load_money_statement("party", LAW.name)
    assert (row.owed, row.recovered, prove().holds) == (0, 4_000_000, True)


def test_what_came_back_already_is_set_aside_and_paid_again(recovered: Application) -> None:
    receive_repayment(debt_of(recovered), 4_500_000, "收 1 号", payer(), ENDED)
    act(recovered.number, "relent", hearer(), ENDED, reason=WHY)
    assert debt_of(recovered).account.balance == 0
    with pytest.raises(Conflict) as missing:
        act(recovered.number, "recovered", payer(), ENDED)
    assert missing.value.code == "award.not_committed"
    commit_again([recovered.number], official("commiter", "commit", TREASURY), ENDED)
    order_again([recovered.number], payer(), ENDED)
    import_bank_returns(paid_at_bank(payer()), "r2.csv", payer(), ENDED)
    act(recovered.number, "recovered", payer(), ENDED)
    assert prove().holds
    (row,) = load_money_statement("party", LAW.name)
    assert (row.paid, row.recovered, row.owed) == (9_500_000, 4_500_000, 0)


def test_who_began_the_recovery_does_not_uphold_what_is_said_against_it(recovered: Application) -> None:
    for action in ("hear", "relent"):
        with pytest.raises(NotAllowed) as own:
            act(recovered.number, action, official("registers", "register", INDUSTRY), ENDED, reason=WHY)
        assert own.value.code == "award.recovered_by_the_same"


@pytest.mark.parametrize("owed", [0, 100_000, 5_000_001])
def test_no_less_is_owed_than_the_recovery_says_and_no_more_than_was_granted(recovered: Application, owed: int) -> None:
    with pytest.raises(Conflict) as refused:
        act(recovered.number, "relent", hearer(), ENDED, reason=WHY, payload={"owed_fen": owed})
    assert refused.value.code == "award.nothing_to_relent"


def test_it_is_upheld_in_steps_up_to_what_was_granted_before_the_recovery(recovered: Application) -> None:
    for owed in (1_000_000, 5_000_000):
        act(recovered.number, "relent", hearer(), ENDED, reason=WHY, payload={"owed_fen": owed})
    assert debt_of(recovered).account.balance == 0
    with pytest.raises(Conflict):
        act(recovered.number, "relent", hearer(), ENDED, reason=WHY)


def test_part_of_a_recovery_is_dropped_by_page_and_by_api_by_who_may_and_the_party_says_more(
    recovered: Application,
) -> None:
    page, office, firm = f"/applications/{recovered.number}", Client(), Client()
    office.force_login(hearer(), backend="django.contrib.auth.backends.ModelBackend")
    firm.force_login(applicant(), backend="django.contrib.auth.backends.ModelBackend")
    assert 'name="owed"' in office.get(page).content.decode()
    taken = office.post(f"{page}/acts/relent", {"reason": WHY, "owed": "10000"})
    assert (taken.status_code, debt_of(recovered).account.balance) == (302, 4_000_000)
    assert firm.post(f"{page}/acts/plead", {"reason": "还不止"}).status_code == 302
    again = personal_caller(hearer()).post(
        f"/api/v1{page}/acts/relent", {"reason": WHY, "owed_fen": 2_000_000}, "application/json"
    )  # fmt: skip
    assert (again.status_code, debt_of(recovered).account.balance) == (200, 3_000_000)
    assert firm.post(f"{page}/acts/relent", {"reason": WHY, "owed": "50000"}).status_code == 403
    assert (
        personal_caller(applicant())
        .post(f"/api/v1{page}/acts/plead", {"reason": "再说"}, "application/json")
        .status_code
        == 200
    )
    assert office.post(f"{page}/acts/hear", {"reason": "不再采纳"}).status_code == 302
