"""Runners of one task: scored by a drawn panel, eliminated by the declared rule, freed money back on the line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.parties.models import Party, Region
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.panel import (
    leave_acceptance_seat,
    sitting_now,
    vote_on_milestone,
)
from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
from huisuan.programmes.contract_desk.queries import describe_contract
from huisuan.programmes.contracts.race import runners_of
from huisuan.programmes.models import Application, Milestone
from huisuan.programmes.payments.returns import order_again
from huisuan.programmes.workflow import act
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.models import AppropriationLine
from support.calls import DURING
from support.contracts import LATER, committed, decided, reported, signer
from support.programmes import TREASURY, applicant, official, paid_at_bank, person
from support.reviews import SCIENCE, challenge, tie
from support.treasury import balances

pytestmark = pytest.mark.django_db
GRANTED = 200_000_000
TASKS = {"T1": "大模型底座"}


def voted(made: Application, milestone: int, score: int, number: int) -> None:
    """A panel drawn, reported, and a milestone accepted by it; nobody votes on what was not reported."""
    draw_acceptance_panel(made.number, milestone, "2025-01-02", signer(), LATER)
    seats = list(sitting_now(Milestone.objects.get(contract__application=made, number=milestone)))
    with pytest.raises(Conflict, match="还没有报告"):
        vote_on_milestone(made.number, milestone, True, score, "看过", seats[0].expert.person, LATER)
    reported(made, milestone, number)
    for seat in seats:
        vote_on_milestone(made.number, milestone, True, score, "看过", seat.expert.person, LATER)
    decide_milestone(made.number, milestone, "专家组通过", signer(), LATER)


def test_who_falls_behind_is_eliminated_keeps_what_was_paid_and_frees_the_rest() -> None:
    call = challenge(programme="5.1.race", title="2024 年赛马", tasks=TASKS)
    first, second = decided(call, 80, 75, tasks=("T1", "T1"))
    for number, one in enumerate((first, second), start=1):
        committed(one, number)
    line, payer = AppropriationLine.objects.get(sentence="5.1"), official("payer", "pay", TREASURY)
    voted(first, 1, 90, 1)
    decider = official("decider", "decide", SCIENCE)
    with pytest.raises(Conflict, match="还没有都评分"):
        act(second.number, "eliminate", decider, LATER, reason="落后")
    voted(second, 1, 70, 2)
    with pytest.raises(Conflict, match=r"已验收 800,000\.00 元，已付 0\.00 元"):
        act(second.number, "eliminate", decider, LATER, reason="落后")
    _runners_of_elsewhere_and_experts_are_not_everybodys(first, second)
    for one in (first, second):
        act(one.number, "pay", payer, LATER)
    with pytest.raises(Conflict, match="等银行回单"):
        act(second.number, "eliminate", decider, LATER, reason="落后")
    import_returns(paid_at_bank(payer), "r.csv", treasury_act(payer, LATER))
    assert [(one.application, one.rank, one.falls_out) for one in runners_of(first)] == [
        (first, 1, False), (second, 2, True),
    ]  # fmt: skip
    with pytest.raises(Conflict, match="须予淘汰"):
        voted(second, 2, 99, 2)
    with pytest.raises(Conflict, match="第 1 名，未落后"):
        act(first.number, "eliminate", decider, LATER, reason="也淘汰")
    before = balances(line)["available"]
    act(second.number, "eliminate", decider, LATER, reason="赛马第 2 名")
    second.refresh_from_db()
    assert (second.state, second.amount_fen) == ("closed", GRANTED * 4 // 10), "what its milestone earned stays"
    assert balances(line)["available"] == before + GRANTED * 6 // 10
    assert not commitments_of([second])[second.pk][0].debts.exists()
    voted(first, 2, 88, 1)
    order_again([first.number], payer, LATER)
    assert standing_awards([first])[first.pk].amount_fen == GRANTED


def _runners_of_elsewhere_and_experts_are_not_everybodys(first: Application, second: Application) -> None:
    """A city sees its own runner alone; names of experts are for who accepts and for the auditor."""
    Party.objects.filter(pk=second.party_id).update(region="340200")
    there = person("wuhu", "city", city=Region.objects.get(pk="340200"))
    readers = {one.username: one for one in (there, signer(), person("auditor", "auditor"), person("office"))}
    shown = {
        name: describe_contract(Viewer.for_person(one), second.number, LATER) for name, one in readers.items()
    }  # fmt: skip
    both = [first.number, second.number]
    assert {name: [row["number"] for row in one["runners"]] for name, one in shown.items()} == {
        "wuhu": [second.number], "signer": both, "auditor": both, "office": both,
    }  # fmt: skip
    assert {name: len(one["milestones"][0]["panel"]) for name, one in shown.items()} == {
        "wuhu": 0, "signer": 5, "auditor": 5, "office": 0,
    }  # fmt: skip


def test_an_expert_who_becomes_a_tie_after_the_draw_leaves_the_seat_to_an_alternate() -> None:
    (made,) = decided(challenge(programme="5.1.race", title="赛马", tasks=TASKS), 80, tasks=("T1",))
    committed(made)
    reported(made, 1)
    with pytest.raises(InvalidRequest, match="由专家组投票决定"):
        decide_milestone(made.number, 1, "好", signer(), LATER, accepted=True, score=90)
    with pytest.raises(Conflict, match="截止之后才能抽签"):
        draw_acceptance_panel(made.number, 1, "种子", signer(), DURING)
    draw_acceptance_panel(made.number, 1, "种子", signer(), LATER)
    milestone = Milestone.objects.get(contract__application=made, number=1)
    tied, *others = (seat.expert.person for seat in sitting_now(milestone))
    vote_on_milestone(made.number, 1, True, 80, "好", others[0], LATER)
    tie(tied.username, made, now=LATER)
    tie(others[0].username, made, now=LATER)
    with pytest.raises(NotAllowed, match="须回避"):
        vote_on_milestone(made.number, 1, True, 80, "好", tied, LATER)
    with pytest.raises(Conflict, match="现与承担单位有利害关系"):
        decide_milestone(made.number, 1, "通过", signer(), LATER)
    leave_acceptance_seat(made.number, 1, tied.username, "任顾问", signer(), LATER)
    assert tied not in [seat.expert.person for seat in sitting_now(milestone)]
    leave_acceptance_seat(made.number, 1, others[0].username, "投票后任顾问", signer(), LATER)
    sitting = [seat.expert.person for seat in sitting_now(milestone)]
    assert others[0] not in sitting
    for each in sitting:
        vote_on_milestone(made.number, 1, True, 60, "看过", each, LATER)
    with pytest.raises(Conflict, match="没有利害关系"):
        leave_acceptance_seat(made.number, 1, sitting[0].username, "换人", signer(), LATER)
    result = decide_milestone(made.number, 1, "通过", signer(), LATER)
    assert result.score == 6_000, "the vote that was set aside does not count"
    assert [one["expert"] for one in result.basis["votes"] if not one["counts"]] == [others[0].username]
    with pytest.raises(NotFound, match="不在第 1 个节点"):
        vote_on_milestone(made.number, 1, True, 80, "好", person("e99", "expert"), LATER)


def test_a_directed_project_is_decided_after_the_offices_were_heard_and_with_reasons() -> None:
    from huisuan.programmes.calls.submit import submit_draft
    from huisuan.programmes.contract_desk.planning import file_plan
    from huisuan.programmes.review_desk.opinions import give_opinion, list_opinions
    from support.calls import CLOSES, draft
    from support.programmes import INDUSTRY, budget, checked
    from support.reviews import PLAN, PROJECT, REVIEWED

    call = challenge(programme="5.1.directed", title="定向委托", shortage="pro_rata")
    budget("5.1", 10**10)
    facts = PROJECT | {"way": "定向委托"}
    made = submit_draft(call.number, draft(1, rule="5.1", files=(), **facts).pk, applicant(1), DURING)
    file_plan(made.number, PLAN, applicant(1), DURING)
    checked(made, official("checker", "check", SCIENCE), CLOSES)
    act(made.number, "recommend", official("recommender", "recommend", INDUSTRY), CLOSES)
    act(made.number, "publicise", official("publisher", "publish", SCIENCE), REVIEWED)
    decider = official("decider", "decide", SCIENCE)
    with pytest.raises(Conflict, match="须先有政策所列单位的意见"):
        act(made.number, "decide", decider, LATER, reason="唯一具备条件")
    for row in list_opinions(Viewer.for_person(decider), made.number):
        give_opinion(
            made.number, row["office"], "同意", official(f"o{row['office']}", "recommend", row["office"]), LATER
        )
    with pytest.raises(InvalidRequest, match="须写理由"):
        act(made.number, "decide", decider, LATER)
    assert act(made.number, "decide", decider, LATER, reason="唯一具备条件").amount_fen == GRANTED


def test_ranks_wait_for_whoever_was_granted_the_task_and_are_final_once_all_have_a_score() -> None:
    first, second = decided(challenge(programme="5.1.race", title="赛马", tasks=TASKS), 80, 75, tasks=("T1", "T1"))
    committed(first)
    voted(first, 1, 90, 1)
    assert [(one.application, one.rank) for one in runners_of(first)] == [(first, None), (second, None)]
    committed(second, 2)
    voted(second, 1, 70, 2)
    ranked = [(first, 1, False), (second, 2, True)]
    assert [(one.application, one.rank, one.falls_out) for one in runners_of(second)] == ranked
    decider = official("decider", "decide", SCIENCE)
    act(first.number, "revoke", decider, LATER + timedelta(hours=1), reason="不成立")
    assert [(one.application, one.rank, one.falls_out) for one in runners_of(second)] == ranked
