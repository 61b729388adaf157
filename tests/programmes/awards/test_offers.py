"""A settlement leads to offers; one confirmation, and the money comes without a form or a file."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.queries import offers_to_confirm
from huisuan.programmes.models import Application, Award, Offer
from huisuan.programmes.offers.services import confirm_offer, make_offers
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act, act_on_many
from huisuan.treasury.check import prove
from huisuan.treasury.models import Commitment, PaymentOrder
from support.awards import ACCOUNT, BANK, DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import ENDED, NOON, TREASURY, applicant, budget, official, paid_at_bank, person
from support.treasury import balances

pytestmark = pytest.mark.django_db


def test_an_offer_is_confirmed_once_and_goes_to_paid_money() -> None:
    line = budget("2.2", 100_000)
    (offer,) = offered(30_000)
    made = walked_offer(confirmed(offer))
    award = Award.objects.get(application=made)
    assert (award.amount_fen, award.entitlement, award.key) == (30_000, offer.entitlement, made.number)
    assert (made.state, made.amount_fen) == ("paying", 30_000)
    payer = official("pay of 2.2", "pay", TREASURY)
    file = paid_at_bank(payer)
    done = import_bank_returns(file, "9月2日.csv", payer, NOON)
    assert (done.new, done.completed, dict(done.refused)) == (True, (made.number,), {})
    again = import_bank_returns(file, "again.csv", payer, NOON)
    assert (again.new, again.completed) == (False, ())
    made.refresh_from_db()
    assert made.state == "closed"
    assert balances(line) == {"appropriated": -100_000, "available": 70_000, "paid": 30_000}
    order = PaymentOrder.objects.get()
    assert (order.payee, order.account_number, order.bank) == (made.party.name, ACCOUNT, BANK)  # type: ignore[union-attr]
    assert prove().holds


def test_only_whom_something_is_owed_is_offered_something_and_that_once() -> None:
    maker, run = official("data", "check", DATA), settled(30_000, 0, 500)
    made = make_offers(run, maker, NOON)
    assert [(offer.application.party_id, offer.amount_fen) for offer in made.made] == [
        (applicant(1).party_id, 30_000), (applicant(3).party_id, 500),
    ]  # fmt: skip
    again = make_offers(run, maker, NOON)
    assert (again.made, again.unchanged, again.differing) == ((), 2, ())
    later = make_offers(settled(20_000, 700, 500), maker, NOON)
    assert [offer.amount_fen for offer in later.made] == [700]
    assert [one.party_id for one in later.differing] == [applicant(1).party_id]
    assert later.unchanged == 1
    with pytest.raises(InvalidRequest, match="之后已有第") as wrong:
        make_offers(run, maker, NOON)
    assert wrong.value.code == "offer.run_superseded"
    with pytest.raises(NotAllowed, match="省数据资源局当天在任的核验岗位"):
        make_offers(run.__class__.objects.first(), official("decider", "decide", GROUP), NOON)  # type: ignore[arg-type]


def test_a_withdrawn_offer_is_made_again_by_the_next_run_and_a_refused_one_is_not() -> None:
    first, second = offered(30_000, 500)
    act(first.application.number, "withdraw", applicant(1), NOON)
    refused = confirmed(second, 2)
    act(refused.number, "refuse", official("decider", "decide", GROUP), NOON, reason="失信")
    later = make_offers(settled(30_000, 500), official("data", "check", DATA), NOON)
    assert [offer.application.party_id for offer in later.made] == [applicant(1).party_id]


def test_an_offer_is_handed_in_by_its_confirmation_alone() -> None:
    (offer,) = offered(30_000)
    number, firm = offer.application.number, applicant()
    with pytest.raises(InvalidRequest) as wrong:
        act(number, "submit", firm, NOON)
    assert wrong.value.code == "offer.not_confirmed"
    with pytest.raises(InvalidRequest, match="内容属实"):
        confirm_offer(number, firm, ACCOUNT, BANK, NOON, truthful=False)
    with pytest.raises(InvalidRequest, match="8 至 32 位数字"):
        confirm_offer(number, firm, "1302", BANK, NOON, truthful=True)
    for stranger in (applicant(2), person("decider")):
        with pytest.raises(NotFound):
            confirm_offer(number, stranger, ACCOUNT, BANK, NOON, truthful=True)
    assert not offer.application.payee_accounts.exists()
    assert list(offers_to_confirm(Viewer.for_person(firm))) == [offer]
    assert not offers_to_confirm(Viewer.for_person(applicant(2))).exists()
    confirm_offer(number, firm, ACCOUNT, BANK, NOON, truthful=True)
    assert not offers_to_confirm(Viewer.for_person(firm)).exists()
    with pytest.raises(Conflict):
        confirm_offer(number, firm, ACCOUNT, BANK, NOON, truthful=True)


def test_the_amount_of_an_offer_is_the_computed_one_whatever_the_decision_names() -> None:
    (offer,) = offered(30_000)
    made = walked_offer(confirmed(offer), "publicise")
    decider = official("decide of 2.2", "decide", GROUP)
    with pytest.raises(InvalidRequest) as wrong:
        act(made.number, "decide", decider, ENDED, amount_fen=30_001)
    assert wrong.value.code == "award.amount_is_computed"
    act(made.number, "decide", decider, ENDED, amount_fen=30_000)
    assert Award.objects.get(application=made).amount_fen == 30_000


def test_nothing_is_decided_on_an_amount_that_a_later_run_has_changed() -> None:
    first, second = offered(30_000, 500)
    both = [walked_offer(confirmed(first, 1), "publicise"), walked_offer(confirmed(second, 2), "publicise")]
    settled(29_999, 500)
    outcome = act_on_many(
        [one.number for one in both], "decide", official("decide of 2.2", "decide", GROUP), ENDED
    )  # one with a new amount keeps nothing of the other from standing
    assert [step.application for step in outcome.done] == [both[1]]
    assert outcome.refused[both[0].number].code == "offer.outdated"
    assert "299.99 元" in str(outcome.refused[both[0].number])


def test_money_for_some_of_many_goes_to_the_first_and_the_others_are_named() -> None:
    line = budget("2.2", 50_000)
    made = [walked_offer(confirmed(offer, at), "decide") for at, offer in enumerate(offered(30_000, 30_000, 20_000), 1)]
    committer = official("commit of 2.2", "commit", TREASURY)
    outcome = act_on_many([one.number for one in made], "commit", committer, NOON)
    assert [step.application_id for step in outcome.done] == [made[0].pk, made[2].pk]
    assert outcome.refused[made[1].number].code == "treasury.line_exhausted"
    assert balances(line) == {"appropriated": -50_000, "committed": 50_000}
    assert set(Commitment.objects.values_list("award", flat=True)) == {made[0].number, made[2].number}


def test_without_a_budget_line_nothing_is_committed() -> None:
    (offer,) = offered(30_000)
    made = walked_offer(confirmed(offer), "decide")
    with pytest.raises(NotFound, match="没有 anhui-agi-2023 第 2\\.2 句的预算") as wrong:
        act(made.number, "commit", official("commit of 2.2", "commit", TREASURY), NOON)
    assert wrong.value.code == "award.no_budget_line"
    budget("2.2", 100_000, year=2025)
    with pytest.raises(InvalidRequest):
        act(made.number, "commit", official("commit of 2.2", "commit", TREASURY), NOON, payload={"budget_year": "x"})
    act(made.number, "commit", official("commit of 2.2", "commit", TREASURY), NOON, payload={"budget_year": 2025})
    assert Commitment.objects.get().line.year == 2025


def test_awards_and_offers_are_never_rewritten() -> None:
    budget("2.2", 100_000)
    (offer,) = offered(30_000)
    made = walked_offer(confirmed(offer), "decide")
    for rows in (Offer.objects.filter(application=made), Award.objects.filter(application=made)):
        with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
            rows.update(amount_fen=1)
        with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
            rows._raw_delete(rows.db)
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.create(
            application=made, entitlement=settled(1).entitlements.get(), amount_fen=1, by=person("x"), at=NOON
        )
    assert Application.objects.get(pk=made.pk).amount_fen == 30_000
