"""Contracts amended on record, and a panel that refused a milestone and votes on it again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.parties.viewer import Viewer
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.amending import amend_contract
from huisuan.programmes.contract_desk.panel import (
    has_alternates,
    leave_acceptance_seat,
    sitting_now,
    vote_on_milestone,
)
from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
from huisuan.programmes.contract_desk.queries import acceptance_seats, describe_contract
from huisuan.programmes.contract_desk.reporting import file_report
from huisuan.programmes.models import AcceptanceVote, AmendedTarget, ContractTarget, DutyHeld, Milestone
from huisuan.programmes.review.panels import reviews_of_year
from huisuan.programmes.review.pool_import import import_experts
from huisuan.programmes.submissions.seed_sources import source_of_milestone
from support.contracts import LATER, accepted, committed, decided, open_challenge, reported, signer
from support.programmes import applicant
from support.reviews import challenge, tie

pytestmark = pytest.mark.django_db
SOON = LATER + timedelta(hours=1)


def lowered(**other: object) -> dict[str, object]:
    """An agreement that takes the parameters of the last milestone from 70 to 60."""
    targets = [{"milestone": 2, "code": "T1", "figure": "60"}]
    return {"code": "HT-1-补1", "agreed_on": "2024-10-22", "reason": "芯片断供", "targets": targets, **other}


def test_a_figure_is_lowered_by_an_amendment_alone_and_both_versions_stay_readable() -> None:
    made = open_challenge()
    with pytest.raises(Conflict, match="还没有合同"):
        amend_contract(made.number, lowered(), signer(), LATER)
    committed(made, signed_on="2024-10-20")
    accepted(made, 1)
    last = {"code": "T1", "figure": 20}
    for said, refused, match in (
        (lowered(targets=[{"milestone": 1, **last}]), Conflict, "第 1 个节点已验收"),
        (lowered(targets=[{"milestone": 3, **last}]), InvalidRequest, "第 3 个节点没有指标 T1"),
        (lowered(targets=[{"milestone": 2, "code": "T1", "figure": "70.0"}]), InvalidRequest, "已是"),
        (lowered(targets=[{"milestone": 2, **last}] * 2), InvalidRequest, "写了两次"),
        (lowered(agreed_on="2031-01-01"), InvalidRequest, "不晚于今天"),
        (lowered(reason=" "), InvalidRequest, "理由"),
    ):
        with pytest.raises(refused, match=match):
            amend_contract(made.number, said, signer(), LATER)
    amend_contract(made.number, lowered(), signer(), LATER)
    file_report(made.number, 2, "完成", {"T1": "61", "T2": "48"}, applicant(1), LATER)
    shown = describe_contract(Viewer.for_person(applicant(1)), made.number, LATER)
    target = shown["milestones"][1]["targets"][0]
    assert (target["figure"], target["agreed"], target["planned"], target["met"]) == ("60", "70", "70", True)
    (change,) = shown["amendments"]
    assert (change["reason"], change["targets"][0]["before"], change["targets"][0]["lower"]) == ("芯片断供", "70", True)
    amend_contract(made.number, lowered(targets=[{"milestone": 2, "code": "T1", "figure": 65}]), signer(), LATER)
    shown = describe_contract(Viewer.for_person(applicant(1)), made.number, LATER)
    assert [one["targets"][0]["before"] for one in shown["amendments"]] == ["70", "60"]
    assert not shown["milestones"][1]["targets"][0]["met"]
    for target_row in ContractTarget.objects.filter(code="T1"):
        with pytest.raises(DatabaseError), transaction.atomic():
            ContractTarget.objects.filter(pk=target_row.pk).update(figure=1)
    with pytest.raises(DatabaseError, match="before its milestone is accepted"), transaction.atomic():
        AmendedTarget.objects.create(
            amendment_id=AmendedTarget.objects.latest("pk").amendment_id,
            target=ContractTarget.objects.get(milestone__number=1), figure=1,
        )  # fmt: skip


def test_nobody_votes_on_a_milestone_while_its_figures_or_its_result_are_written() -> None:
    made = committed(open_challenge(), signed_on="2024-10-20")
    reported(made, 1)

    def locked(queries: CaptureQueriesContext) -> list[int]:
        """Which statement first locks the milestones, and which first asks for their results."""
        said = [row["sql"] for row in queries]
        milestones = [at for at, sql in enumerate(said) if 'FROM "programmes_milestone"' in sql]
        locks = [at for at in milestones if "FOR NO KEY UPDATE" in said[at]]
        reads = [at for at, sql in enumerate(said) if "programmes_milestoneresult" in sql]
        return [*locks[:1], *reads[:1]]

    with CaptureQueriesContext(connection) as amended:
        amend_contract(made.number, lowered(), signer(), LATER)
    with CaptureQueriesContext(connection) as judged:
        decide_milestone(made.number, 1, "合格", signer(), LATER, accepted=True, score=90)
    for queries in (amended, judged):
        lock, read = locked(queries)
        assert lock < read


def test_a_panel_that_refused_votes_again_on_the_next_report_and_counts_in_the_year_of_its_experts() -> None:
    (made,) = decided(challenge(programme="5.1.race", title="赛马", tasks={"T1": "底座"}), 80, tasks=("T1",))
    committed(made, signed_on="2024-10-20")
    before = reviews_of_year(LATER.year)
    draw_acceptance_panel(made.number, 1, "种子", signer(), LATER)
    milestone = Milestone.objects.get(contract__application=made, number=1)
    sitting = [seat.expert.person for seat in sitting_now(milestone)]
    assert reviews_of_year(LATER.year) - before == dict.fromkeys((one.username for one in sitting), 1)
    reported(made, 1)
    vote_on_milestone(made.number, 1, False, 50, "不足", sitting[0], LATER)
    low = lowered(targets=[{"milestone": 1, "code": "T1", "figure": 25}])
    with pytest.raises(Conflict, match="正在就第 1 个节点投票"):
        amend_contract(made.number, low, signer(), LATER)
    for each in sitting[1:]:
        vote_on_milestone(made.number, 1, False, 50, "不足", each, LATER)
    assert not decide_milestone(made.number, 1, "未达到", signer(), LATER).accepted
    for judged in (
        lambda: decide_milestone(made.number, 1, "通过", signer(), SOON),
        lambda: vote_on_milestone(made.number, 1, True, 90, "好", sitting[0], SOON),
    ):
        with pytest.raises(Conflict, match="再报告之后重新投票"):
            judged()
    amend_contract(made.number, low, signer(), SOON)
    file_report(made.number, 1, "补做", {"T1": "33"}, applicant(1), SOON)
    (seat,) = acceptance_seats(Viewer.for_person(sitting[0]))
    assert (seat.voted, seat.refused) == (False, False)  # type: ignore[attr-defined]
    tie(sitting[-1].username, made, now=SOON)  # who voted in the round before
    leave_acceptance_seat(made.number, 1, sitting[-1].username, "任顾问", signer(), SOON)
    again = [seat.expert.person for seat in sitting_now(milestone)]
    assert sitting[-1] not in again
    for each in again:
        vote_on_milestone(made.number, 1, True, 90, "补做后达到", each, SOON)
    with pytest.raises(Conflict, match="您已投票"):
        vote_on_milestone(made.number, 1, False, 1, "又不", again[0], SOON)
    for vote in AcceptanceVote.objects.filter(seat__milestone=milestone, round=2, left=False)[:1]:
        vote.pk, vote.round = None, 3
        with pytest.raises(DatabaseError, match="round after the last result"), transaction.atomic():
            vote.save(force_insert=True)
    result = decide_milestone(made.number, 1, "通过", signer(), SOON)
    assert (result.accepted, result.number, result.score) == (True, 2, 9_000)
    assert sum(vote["counts"] for vote in result.basis["votes"]) == len(again)
    panel = describe_contract(Viewer.for_person(signer()), made.number, SOON)["milestones"][0]["panel"]
    assert [vote["accepts"] for vote in panel[0]["votes"]] == [False, True]


def test_an_alternate_barred_since_the_draw_is_passed_over_on_record_and_the_next_one_sits() -> None:
    (made,) = decided(challenge(programme="5.1.race", title="赛马", tasks={"T1": "底座"}), 80, tasks=("T1",))
    committed(made, signed_on="2024-10-20")
    draw_acceptance_panel(made.number, 1, "", signer(), SOON)
    milestone = Milestone.objects.get(contract__application=made, number=1)
    *sitting, barred, free = milestone.seats.select_related("expert__person").order_by("position")
    tie(barred.expert.person.username, made, now=SOON)
    leave_acceptance_seat(made.number, 1, sitting[0].expert.person.username, "出差", signer(), SOON)
    assert [seat.pk for seat in sitting_now(milestone)] == [*(seat.pk for seat in sitting[1:]), free.pk]
    (passed,) = barred.votes.all()
    assert (passed.left, passed.reason, passed.by) == (True, "与申报单位有利害关系", signer())
    with pytest.raises(Conflict, match="请先补抽"):
        leave_acceptance_seat(made.number, 1, sitting[1].expert.person.username, "出差", signer(), SOON)


def test_whoever_has_another_duty_does_not_vote_and_when_the_alternates_run_out_more_are_drawn() -> None:
    (made,) = decided(challenge(programme="5.1.race", title="赛马", tasks={"T1": "底座"}), 80, tasks=("T1",))
    committed(made, signed_on="2024-10-20")
    drawn = "username,employer,fields,active_from\nsigner,某大学,通用大模型,2020-01-01\n"
    assert not import_experts(drawn.encode(), "专家.csv", by="李处", now=SOON).faults
    draw_acceptance_panel(made.number, 1, "种子", signer(), SOON)
    milestone = Milestone.objects.get(contract__application=made, number=1)
    seats = list(milestone.seats.select_related("expert__person"))
    assert "signer" not in {seat.expert.person.username for seat in seats}, "who signs the contract is not drawn"
    with pytest.raises(Conflict, match="已抽取专家"):
        draw_acceptance_panel(made.number, 1, "另一种子", signer(), SOON)
    while has_alternates(list(milestone.seats.all()), SOON):
        leave_acceptance_seat(made.number, 1, sitting_now(milestone)[0].expert.person.username, "出差", signer(), SOON)
    first, *others = (seat.expert.person for seat in sitting_now(milestone))
    DutyHeld.objects.create(application=made, person=first, duty="decide")
    reported(made, 1)
    with pytest.raises(NotAllowed, match="已承担决定，须回避"):
        vote_on_milestone(made.number, 1, True, 80, "好", first, SOON)
    with pytest.raises(Conflict, match="请先补抽"):
        leave_acceptance_seat(made.number, 1, first.username, "另有职责", signer(), SOON)
    more = draw_acceptance_panel(made.number, 1, "补抽", signer(), SOON)
    assert more.title.endswith("第 2 次抽取")
    assert {seat.position for seat in more.acceptance_seats.all()} >= {len(seats) + 1}
    leave_acceptance_seat(made.number, 1, first.username, "另有职责", signer(), SOON)
    sitting = [seat.expert.person for seat in sitting_now(milestone)]
    assert first not in sitting
    assert len(sitting) == seats[0].panel
    assert source_of_milestone(made, 1, 2).seed == more.seed
    vote_on_milestone(made.number, 1, True, 80, "好", others[0], SOON)
    with pytest.raises(Conflict, match="投票，登记结果之后再报告"):
        reported(made, 1)
    with pytest.raises(DatabaseError, match="stays as it was reported"), transaction.atomic():
        milestone.reports.create(number=2, text="换一份", late=False, by=applicant(1), at=SOON)
    seat = next(one for one in sitting_now(milestone) if one.expert.person != others[0])
    with pytest.raises(DatabaseError, match="has the duty to review"), transaction.atomic():
        AcceptanceVote.objects.create(seat=seat, accepts=True, score=1, reason="代投", by=signer(), at=SOON)
    assert made.duties.get(person=others[0]).duty == "review"
