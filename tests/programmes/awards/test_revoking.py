"""A decision of which nothing was paid is revoked by whoever decides: the money and what it claimed for are free."""

from __future__ import annotations

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.models import Application, Award
from huisuan.programmes.notices.queries import describe_notice, get_notice
from huisuan.programmes.offers.services import make_offers
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act, begin_application
from huisuan.programmes.workflow.inbox import list_waiting
from huisuan.programmes.workflow.possible_steps import list_possible_steps
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine
from support.awards import DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import (
    ENDED,
    LAW,
    NOON,
    TREASURY,
    applicant,
    application,
    budget,
    official,
    paid_at_bank,
    walked,
    with_account,
)
from support.treasury import balances
from support.treasury import committed as taken_by_another

pytestmark = pytest.mark.django_db
WHY = "中标单位放弃"


def decider() -> Person:
    return official("decideer", "decide")


@pytest.fixture
def committed() -> Application:
    """A claim of 14.1 whose money is set aside."""
    made = application()
    walked(made, "commit")
    made.refresh_from_db()
    return made


def test_a_committed_award_is_revoked_and_its_money_is_on_the_line_again(committed: Application) -> None:
    money = AppropriationLine.objects.get()
    act(committed.number, "revoke", decider(), ENDED, reason=WHY)
    committed.refresh_from_db()
    assert (committed.state, committed.amount_fen) == ("refused", 0)
    first, second = Award.objects.filter(application=committed).order_by("number")
    assert (second.amount_fen, second.supersedes, second.reason, second.by) == (0, first, WHY, decider())
    assert {name: fen for name, fen in balances(money).items() if fen} == {
        "appropriated": -1_000_000_000, "available": 1_000_000_000,
    }  # fmt: skip
    assert prove().holds
    notice = get_notice(committed.notice_lines.get().notice.number)
    assert [line["state"] for line in describe_notice(notice, ENDED)["lines"]] == ["left"]


def test_whoever_decides_revokes_with_a_reason_and_whoever_commits_does_not(committed: Application) -> None:
    with pytest.raises(InvalidRequest):
        act(committed.number, "revoke", decider(), ENDED)
    committer = official("commiter", "commit", TREASURY)
    with pytest.raises(NotAllowed) as no_post:
        act(committed.number, "revoke", committer, ENDED, reason=WHY)
    official("commiter", "decide")  # a post to decide, too: but the duty in this one is to commit
    with pytest.raises(NotAllowed) as second:
        act(committed.number, "revoke", committer, ENDED, reason=WHY)
    assert (no_post.value.code, second.value.code) == ("application.no_post_in_force", "application.second_duty")


def test_what_is_being_paid_is_revoked_only_once_its_order_failed(committed: Application) -> None:
    payer = official("payer", "pay", TREASURY)
    act(committed.number, "pay", payer, ENDED)
    with pytest.raises(Conflict) as refused:
        act(committed.number, "revoke", decider(), ENDED, reason=WHY)
    assert refused.value.code == "award.order_under_way"
    import_bank_returns(paid_at_bank(payer, "失败"), "r.csv", payer, ENDED)
    act(committed.number, "revoke", decider(), ENDED, reason=WHY)
    committed.refresh_from_db()
    assert (committed.state, committed.amount_fen, prove().holds) == ("refused", 0, True)
    assert balances(AppropriationLine.objects.get())["available"] == 1_000_000_000


def test_what_is_half_paid_is_not_revoked(committed: Application) -> None:
    payer = official("payer", "pay", TREASURY)
    act(committed.number, "pay", payer, ENDED)
    import_returns(paid_at_bank(payer), "r.csv", treasury_act(payer, ENDED))  # the bank paid, nobody completed it yet
    with pytest.raises(Conflict) as refused:
        act(committed.number, "revoke", decider(), ENDED, reason=WHY)
    assert refused.value.code == "award.paid_already"


def test_what_is_granted_without_money_is_revoked_before_and_after_it_is_closed() -> None:
    group = {duty: official(f"{duty} of 8.1", duty, GROUP) for duty in ("check", "publish", "decide", "register")}
    way = (("check", "check", NOON), ("publicise", "publish", NOON), ("decide", "decide", ENDED))
    for closed in (False, True):
        made = begin_application(LAW, "8.1", 2024, applicant(1), NOON)
        act(made.number, "submit", applicant(1), NOON)
        for action, duty, now in way:
            act(made.number, action, group[duty], now)
        if closed:
            act(made.number, "close", group["register"], ENDED)
        act(made.number, "revoke", group["decide"], ENDED, reason=WHY)
        made.refresh_from_db()
        assert (made.state, made.awards.count()) == ("refused", 0)


def test_nobody_waits_for_a_revocation(committed: Application) -> None:
    assert list_waiting(decider(), ENDED) == []
    steps = list_possible_steps(committed, decider(), ENDED)
    assert [edge.action for edge in steps.mine] == ["revoke"]
    assert [edge.action for edge in steps.waits_for] == ["pay"]


def test_a_revoked_offer_is_made_anew_by_the_next_settlement_and_a_refused_one_is_not() -> None:
    first, second = offered(100_00, 200_00)
    revoked = walked_offer(confirmed(first), "decide")
    refused = confirmed(second, 2)
    decides = official("decide of 2.2", "decide", GROUP)
    act(revoked.number, "revoke", decides, ENDED, reason=WHY)
    act(refused.number, "refuse", decides, ENDED, reason="不在皖")
    again = make_offers(settled(100_00, 200_00), official("data", "check", DATA), ENDED)
    assert [one.application.party for one in again.made] == [revoked.party]


def test_a_line_used_up_between_the_check_and_the_commitment_leaves_the_award_as_it_is() -> None:
    made = application()
    walked(made, "decide")
    line = budget(fen=5_000_000)
    with_account(made)
    taken_by_another(line, "X1", 1, who=2)
    with pytest.raises(Conflict) as refused:
        act(made.number, "commit", official("commiter", "commit", TREASURY), ENDED)
    made.refresh_from_db()
    assert (refused.value.code, made.state) == ("treasury.line_exhausted", "decided")
    assert (balances(line)["available"], prove().holds) == (4_999_999, True)
