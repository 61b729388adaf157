"""A later settlement changes no award by itself: unpaid the office re-bases it, paid it becomes a supplement."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.basis import load_bases
from huisuan.programmes.corrections.outdated import list_outdated, outdated_to_dict
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Award, Offer
from huisuan.programmes.offers.services import make_offers
from huisuan.programmes.payments.returns import import_bank_returns, order_again
from huisuan.programmes.workflow import act
from huisuan.treasury.check import prove
from huisuan.treasury.models import PaymentOrder
from support.awards import DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import ENDED, NOON, TREASURY, applicant, budget, official, paid_at_bank, person
from support.treasury import balances

pytestmark = pytest.mark.django_db
WHY = "迟到的用量"


def payer() -> Person:
    return official("pay of 2.2", "pay", TREASURY)


def committer() -> Person:
    return official("commit of 2.2", "commit", TREASURY)


def decider() -> Person:
    return official("decide of 2.2", "decide", GROUP)


def paid_out(made: Application) -> Application:
    """All its orders are paid at the bank; it is closed by that."""
    import_bank_returns(paid_at_bank(payer()), "r.csv", payer(), NOON)
    made.refresh_from_db()
    return made


def outdated() -> list[tuple[str, str, int, int]]:
    rows = [outdated_to_dict(one) for one in list_outdated(Viewer.for_person(person("shenji", "auditor")))]
    return [(row["number"], row["correction"], row["stands_fen"], row["owed_fen"]) for row in rows]


def test_so_many_that_differ_are_listed_as_are_asked_for_the_oldest_first() -> None:
    made = [confirmed(offer, number) for number, offer in enumerate(offered(30_000, 30_000), start=1)]
    settled(29_000, 28_000)
    auditor = Viewer.for_person(person("shenji", "auditor"))
    assert [one.application for one in list_outdated(auditor, limit=1)] == made[:1]
    assert [one.application for one in list_outdated(auditor)] == made
    assert [one.application for one in list_outdated(auditor, after=made[0].pk)] == made[1:]


def test_what_the_newest_settlement_says_as_it_stands_is_not_even_read() -> None:
    for number, offer in enumerate(offered(30_000, 31_000, 32_000), start=1):
        confirmed(offer, number)
    settled(30_000, 31_000, 29_000)
    auditor = Viewer.for_person(person("shenji", "auditor"))
    with CaptureQueriesContext(connection) as asked:
        (one,) = list_outdated(auditor)
    (read,) = [row["sql"] for row in asked if 'FROM "programmes_offer"' in row["sql"].split(" WHERE ")[0]][:1]
    assert one.basis.owed_fen == 29_000
    assert f'"application_id" IN ({one.application.pk})' in read


def test_an_undecided_offer_is_rebased_by_the_office_with_a_reason() -> None:
    (offer,) = offered(30_000)
    made = confirmed(offer)
    later = settled(29_000)
    assert outdated() == [(made.number, "offer", 30_000, 29_000)]
    checker = official("data", "check", DATA)
    with pytest.raises(InvalidRequest):
        rebase(made.number, " ", checker, NOON)
    with pytest.raises(NotAllowed):
        rebase(made.number, WHY, decider(), NOON)
    done = rebase(made.number, WHY, checker, NOON)
    assert (done.correction, done.before_fen, done.amount_fen) == ("offer", 30_000, 29_000)
    stands = Offer.objects.get(application=made, replaced_by__isnull=True)
    assert (stands.amount_fen, stands.entitlement.run, stands.replaces, stands.reason) == (29_000, later, offer, WHY)
    assert outdated() == []
    with pytest.raises(Conflict) as same:
        rebase(made.number, WHY, checker, NOON)
    assert same.value.code == "offer.up_to_date"
    walked_offer(made, "publicise")
    settled(31_000)
    with pytest.raises(Conflict) as public:
        rebase(made.number, WHY, checker, NOON)
    assert public.value.code == "offer.published_with_less"
    settled(28_000)
    rebase(made.number, WHY, checker, NOON)
    act(made.number, "decide", decider(), ENDED)
    assert Award.objects.get(application=made).amount_fen == 28_000


def test_what_is_no_longer_owed_before_the_decision_is_refused_or_withdrawn_not_rebased() -> None:
    made = confirmed(offered(30_000)[0])
    settled(0)
    with pytest.raises(Conflict) as nothing:
        rebase(made.number, WHY, official("data", "check", DATA), NOON)
    assert nothing.value.code == "offer.nothing_owed"
    act(made.number, "refuse", decider(), NOON, reason="不再符合")
    assert outdated() == []


def test_an_unpaid_award_is_rebased_committed_again_and_paid_once() -> None:
    line = budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    settled(42_000)
    with pytest.raises(Conflict) as old:
        act(made.number, "pay", payer(), NOON)
    assert old.value.code == "offer.outdated"
    with pytest.raises(NotAllowed):
        rebase(made.number, WHY, committer(), NOON)
    rebase(made.number, WHY, decider(), NOON)
    award = Award.objects.get(application=made, superseded_by__isnull=True)
    assert (award.number, award.amount_fen, award.reason, award.key) == (2, 42_000, WHY, f"{made.number}.2")
    made.refresh_from_db()
    assert made.amount_fen == 42_000, "every list shows what stands"
    with pytest.raises(Conflict) as waits:
        act(made.number, "pay", payer(), NOON)
    assert waits.value.code == "award.not_committed"
    with pytest.raises(NotAllowed):
        commit_again([made.number], decider(), NOON)
    commit_again([made.number], committer(), NOON)
    assert balances(line) == {"appropriated": -100_000, "available": 58_000, "committed": 42_000}
    with pytest.raises(Conflict) as twice:
        commit_again([made.number], committer(), NOON)
    assert twice.value.code == "award.committed_before"
    act(made.number, "pay", payer(), NOON)
    assert paid_out(made).state == "closed"
    assert sum(order.instalment.amount_fen for order in PaymentOrder.objects.all()) == 42_000
    assert prove().holds


def test_money_is_set_aside_and_ordered_again_only_where_the_step_was_taken() -> None:
    budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "decide")
    with pytest.raises(Conflict) as early:
        commit_again([made.number], committer(), ENDED)
    assert early.value.code == "award.not_committed_yet"
    act(made.number, "commit", committer(), ENDED)
    with pytest.raises(Conflict) as unordered:
        order_again([made.number], payer(), ENDED)
    assert unordered.value.code == "award.not_paying"
    assert not PaymentOrder.objects.exists()


def test_an_offer_that_was_withdrawn_is_not_made_again_by_the_same_run() -> None:
    (offer,) = offered(30_000)
    act(offer.application.number, "withdraw", applicant(), NOON)
    made = make_offers(offer.entitlement.run, official("data", "check", DATA), NOON)
    assert made.made == ()


def test_a_line_without_room_leaves_a_rebased_award_as_it_was() -> None:
    line = budget("2.2", 35_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    settled(36_000)
    rebase(made.number, WHY, decider(), NOON)
    with pytest.raises(Conflict) as full:
        commit_again([made.number], committer(), NOON)
    assert full.value.code == "treasury.line_exhausted"
    assert balances(line) == {"appropriated": -35_000, "available": 5_000, "committed": 30_000}


def test_an_award_that_is_owed_nothing_any_more_ends_with_nothing_paid() -> None:
    line = budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    settled(0)
    rebase(made.number, WHY, decider(), NOON)
    commit_again([made.number], committer(), NOON)
    for action in ("pay", "complete"):
        act(made.number, action, payer(), NOON)
    assert balances(line) == {"appropriated": -100_000, "available": 100_000}
    assert not PaymentOrder.objects.exists()


def test_while_the_bank_has_not_answered_nothing_is_rebased() -> None:
    budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]))
    settled(42_000)
    with pytest.raises(Conflict) as waits:
        rebase(made.number, WHY, decider(), NOON)
    assert waits.value.code == "award.order_under_way"
    import_bank_returns(paid_at_bank(payer(), "失败"), "r.csv", payer(), NOON)
    with pytest.raises(Conflict) as old:
        order_again([made.number], payer(), NOON)
    assert old.value.code == "offer.outdated"
    rebase(made.number, WHY, decider(), NOON)
    commit_again([made.number], committer(), NOON)
    order_again([made.number], payer(), NOON)
    assert paid_out(made).state == "closed"
    assert prove().holds


def test_a_paid_award_of_which_more_is_owed_is_supplemented_and_the_year_adds_up() -> None:
    budget("2.2", 100_000)
    first = paid_out(walked_offer(confirmed(offered(30_000)[0])))
    run = settled(42_000)
    made = make_offers(run, official("data", "check", DATA), NOON)
    assert (made.made, made.differing) == ((), (first,))
    assert outdated() == [(first.number, "supplement", 30_000, 42_000)]
    done = rebase(first.number, WHY, official("data", "check", DATA), NOON)
    second = done.application
    assert (second.number != first.number, done.amount_fen) == (True, 12_000)
    assert outdated() == []
    settled(43_000)  # the difference belongs to the supplement, which nobody has confirmed yet
    assert outdated() == [(second.number, "offer", 12_000, 13_000)]
    rebase(second.number, WHY, official("data", "check", DATA), NOON)
    confirmed(Offer.objects.get(application=second, replaced_by__isnull=True))
    assert paid_out(walked_offer(second)).state == "closed"
    assert outdated() == []
    settled(20_000)
    assert sorted(outdated()) == [
        (first.number, "recovery", 30_000, 20_000), (second.number, "recovery", 13_000, 0),
    ]  # fmt: skip
    assert prove().holds


def test_however_many_applications_the_questions_to_the_database_are_as_many() -> None:
    offered(*[10_000] * 6)
    made = list(Application.objects.select_related("edition", "party"))
    counts = []
    for many in (2, 6):
        with CaptureQueriesContext(connection) as asked:
            assert len(load_bases(made[:many])) == many
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_database_refuses_an_offer_that_replaces_another_without_a_reason() -> None:
    (offer,) = offered(30_000)
    owed = settled(20_000).entitlements.get()
    with pytest.raises(IntegrityError, match="offer_replaces_with_a_reason"), transaction.atomic():
        Offer.objects.create(
            application=offer.application, entitlement=owed, amount_fen=20_000, replaces=offer, by=applicant(), at=NOON
        )
