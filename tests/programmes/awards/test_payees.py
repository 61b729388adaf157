"""Money goes to the applicant's own account; another account needs a second person, and nothing is paid meanwhile."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, Refused
from huisuan.parties.models import Region
from huisuan.programmes.awards.standing import payees_in_force
from huisuan.programmes.models import Application, PayeeAccount
from huisuan.programmes.payments.payees import answer_payee_change, give_payee
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.models import PaymentOrder
from support.awards import confirmed, offered, walked_offer
from support.programmes import ENDED, LAW, NOON, TREASURY, applicant, budget, official, person

pytestmark = pytest.mark.django_db
OTHER = "6217000000000001"


@pytest.fixture
def made() -> Application:
    """An offer of which the money is committed."""
    budget("2.2", 100_000)
    return walked_offer(confirmed(offered(30_000)[0]), "commit")


def code(wrong: pytest.ExceptionInfo[Refused]) -> str:
    return wrong.value.code


def test_a_changed_account_counts_once_a_second_person_accepts_it_and_nothing_is_paid_before(made: Application) -> None:
    payer = official("pay of 2.2", "pay", TREASURY)
    with pytest.raises(InvalidRequest) as wrong:
        give_payee(made.number, applicant(), OTHER, "建设银行", NOON)
    assert code(wrong) == "award.payee_reason_missing"
    give_payee(made.number, applicant(), OTHER, "建设银行", NOON, reason="原账户销户")
    with pytest.raises(Conflict) as waits:
        act(made.number, "pay", payer, NOON)
    assert code(waits) == "award.payee_change_waits"
    with pytest.raises(Conflict):
        give_payee(made.number, applicant(), "62170000000000022", "建设银行", NOON, reason="又一个")
    for stranger in (applicant(), person("zhuanban"), official("committer", "commit", TREASURY)):
        with pytest.raises(Refused):
            answer_payee_change(made.number, True, stranger, NOON)
    answer_payee_change(made.number, True, official("second payer", "pay", TREASURY), NOON)
    act(made.number, "pay", payer, NOON)
    assert PaymentOrder.objects.get().account_number == OTHER


def test_the_first_account_of_a_city_counts_once_a_second_person_accepts_it() -> None:
    hefei = person("hefei", "city", city=Region.objects.get(code="340100"))
    made = begin_application(LAW, "8.2", 2024, hefei, NOON)
    first = give_payee(made.number, hefei, OTHER, "建设银行", NOON, name="某某公司")
    assert (first.counts, payees_in_force([made])) == (False, {})
    assert give_payee(made.number, hefei, OTHER, "建设银行", NOON, name="某某公司") == first
    with pytest.raises(Conflict):
        give_payee(made.number, hefei, "62170000000000022", "建设银行", NOON, name="合肥市财政局", reason="写错")
    with pytest.raises(Refused):
        answer_payee_change(made.number, True, hefei, NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        PayeeAccount.objects.filter(pk=first.pk).update(accepted=True, answered_by=hefei, answered_at=NOON)
    payer = official("payer", "pay", TREASURY)
    answer_payee_change(made.number, False, payer, NOON)
    assert payees_in_force([made]) == {}
    second = give_payee(made.number, hefei, "62170000000000022", "建设银行", NOON, name="合肥市财政局", reason="写错")
    answer_payee_change(made.number, True, payer, NOON)
    assert payees_in_force([made])[made.pk] == second


def test_a_change_that_is_turned_down_leaves_the_account_of_before(made: Application) -> None:
    give_payee(made.number, applicant(), OTHER, "建设银行", NOON, reason="x")
    payer = official("pay of 2.2", "pay", TREASURY)
    answer_payee_change(made.number, False, payer, NOON)
    with pytest.raises(Conflict) as nothing:
        answer_payee_change(made.number, True, payer, NOON)
    assert code(nothing) == "award.no_payee_change"
    act(made.number, "pay", payer, NOON)
    assert PaymentOrder.objects.get().account_number != OTHER


def test_the_same_account_again_is_no_change_and_another_holder_is_refused(made: Application) -> None:
    first = PayeeAccount.objects.get()
    assert give_payee(made.number, applicant(), " １３０２ 0101-0902 2100001", first.bank, NOON) == first
    with pytest.raises(InvalidRequest) as wrong:
        give_payee(made.number, applicant(), OTHER, "建设银行", NOON, name="另一公司", reason="x")
    assert code(wrong) == "award.payee_is_the_applicant"
    reader = person("reader", "user", party=applicant().party, member_role="viewer")
    with pytest.raises(NotAllowed):
        give_payee(made.number, reader, OTHER, "建设银行", NOON, reason="x")


def test_the_database_refuses_an_account_that_its_own_giver_accepts(made: Application) -> None:
    change = give_payee(made.number, applicant(), OTHER, "建设银行", NOON, reason="x")
    rows = PayeeAccount.objects.filter(pk=change.pk)
    with pytest.raises(IntegrityError, match="payee_change_is_answered_by_another"), transaction.atomic():
        rows.update(accepted=True, answered_by=applicant(), answered_at=NOON)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        rows.update(account_number="12345678")


def test_an_award_without_an_account_is_not_paid() -> None:
    from support.programmes import application, with_account

    made = application()
    budget()
    act(made.number, "submit", applicant(), NOON)
    for action, duty, office in (("check", "check", "省经济和信息化厅"), ("publicise", "publish", "省经济和信息化厅")):
        act(made.number, action, official(f"{duty}er", duty, office), NOON)
    decider = official("decideer", "decide", "省经济和信息化厅")
    with pytest.raises(InvalidRequest) as wrong:
        act(made.number, "decide", decider, ENDED)
    assert code(wrong) == "award.amount_missing"
    act(made.number, "decide", decider, ENDED, amount_fen=100)
    act(made.number, "commit", official("committer", "commit", TREASURY), NOON)
    payer = official("payer", "pay", TREASURY)
    with pytest.raises(Conflict) as missing:
        act(made.number, "pay", payer, NOON)
    assert code(missing) == "award.payee_missing"
    with_account(made)
    act(made.number, "pay", payer, NOON)
    with pytest.raises(Conflict) as early:
        act(made.number, "complete", payer, NOON)
    assert code(early) == "award.not_paid_yet"
