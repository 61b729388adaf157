"""Contracts with milestones: from the plan to the last instalment, and what may not be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.messages.models import Message
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.contract_desk.accepting import decide_milestone, evaluate_project
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.planning import file_plan
from huisuan.programmes.contract_desk.queries import describe_contract
from huisuan.programmes.contract_desk.reminding import remind_of_reports
from huisuan.programmes.contract_desk.reporting import file_report, milestones_due
from huisuan.programmes.contract_desk.site_checks import checks_to_confirm, confirm_site_check, record_site_check
from huisuan.programmes.contract_desk.waiting import milestones_of_posts
from huisuan.programmes.corrections.outdated import list_outdated, outdated_to_dict
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.models import Application, Milestone, MilestoneResult, SiteCheck, SiteCheckConfirmation
from huisuan.programmes.payments.returns import order_again
from huisuan.programmes.review.pool_import import import_experts
from huisuan.programmes.workflow import act
from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.recoveries import receive
from support.accounts import account, personal_caller
from support.contracts import DAY, FIRST, LAST, LATER, accepted, agreed, committed, open_challenge, reported, signer
from support.programmes import TREASURY, applicant, official, paid_at_bank, person
from support.reviews import PLAN, REVIEWED, SCIENCE, tie

pytestmark = pytest.mark.django_db
GRANTED = 200_000_000  # a fifth of ten million yuan, in fen


def payer() -> Person:
    return official("payer", "pay", TREASURY)


def banked(made: Application) -> None:
    """The bank pays all that waits."""
    import_returns(paid_at_bank(payer()), f"{made.steps_taken}-{LATER}.csv", treasury_act(payer(), LATER))


def orders_of(made: Application) -> int:
    """Fen under order or paid."""
    parts = [part for one in commitments_of([made]).get(made.pk, []) for part in one.instalments.all()]
    return sum(part.amount_fen for part in parts if any(order.outcome != "failed" for order in part.orders.all()))


def test_an_open_challenge_is_paid_milestone_by_milestone_evaluated_and_closed() -> None:
    made = open_challenge()
    with pytest.raises(Conflict, match="请先拟定合同"):
        act(made.number, "contract", signer(), LATER)
    committed(made)
    parts = commitments_of([made])[made.pk][0].instalments.all()
    assert [part.amount_fen for part in parts] == [GRANTED * 4 // 10, GRANTED * 6 // 10]
    with pytest.raises(Conflict, match="没有已验收而未付的节点"):
        act(made.number, "pay", payer(), LATER)
    with pytest.raises(Conflict, match="还没有报告"):
        decide_milestone(made.number, 1, "好", signer(), LATER, accepted=True, score=90)
    accepted(made, 1)
    act(made.number, "pay", payer(), LATER)
    assert orders_of(made) == GRANTED * 4 // 10
    banked(made)
    with pytest.raises(Conflict, match="没有已验收而未付的节点"):
        order_again([made.number], payer(), LATER)
    with pytest.raises(Conflict, match="元未开支付令"):
        act(made.number, "complete", payer(), LATER)
    accepted(made, 2)
    order_again([made.number], payer(), LATER)
    banked(made)
    act(made.number, "complete", payer(), LATER)
    with pytest.raises(Conflict, match="办结前须有项目评价"):
        act(made.number, "close", signer(), LATER)
    with pytest.raises(InvalidRequest, match="结题审计的实际研发费用"):
        evaluate_project(made.number, 55, "推广不足", signer(), LATER)
    evaluate_project(made.number, 55, "推广不足", signer(), LATER, final_cost_fen=1_000_000_000)
    assert act(made.number, "close", signer(), LATER).to_state == "closed"
    shown = describe_contract(Viewer.for_person(applicant(1)), made.number, LATER)
    assert [(one["accepted"], [target["met"] for target in one["targets"]]) for one in shown["milestones"]] == [
        (True, [True]), (True, [True, True]),
    ]  # fmt: skip
    assert shown["evaluation"]["score"] == 5_500


def test_what_was_paid_above_the_audited_cost_is_claimed_back_before_the_project_is_closed() -> None:
    made = committed(open_challenge())
    accepted(made, 1)
    accepted(made, 2)
    act(made.number, "pay", payer(), LATER)
    banked(made)
    act(made.number, "complete", payer(), LATER)
    evaluate_project(made.number, 80, "完成", signer(), LATER, final_cost_fen=600_000_000)
    with pytest.raises(Conflict, match=r"按结题审计应得 1,200,000.00 元，已付 2,000,000.00 元"):
        act(made.number, "close", signer(), LATER)
    (proposed,) = list_outdated(Viewer.for_person(signer()))
    said = outdated_to_dict(proposed)
    assert (said["correction"], said["owed_fen"], said["final_cost_fen"]) == ("recovery", 120_000_000, 600_000_000)
    act(made.number, "recover", signer(), LATER, reason="结题审计少于预算")
    assert standing_awards([made])[made.pk].amount_fen == 120_000_000
    assert [debt.claimed_fen for one in commitments_of([made])[made.pk] for debt in one.debts.all()] == [80_000_000]
    assert not list_outdated(Viewer.for_person(signer()))


def test_money_restored_after_a_recovery_is_paid_again_for_the_milestone_that_was_accepted() -> None:
    made = committed(open_challenge())
    accepted(made, 1)
    act(made.number, "pay", payer(), LATER)
    banked(made)
    act(made.number, "recover", signer(), LATER, reason="更正", payload={"facts": {"cost": "2500000"}})
    (debt,) = debts_of([made])[made.pk]
    assert debt.claimed_fen == 30_000_000
    act(made.number, "plead", applicant(1), LATER, reason="成本无误")
    receive(debt, 30_000_000, "收 1 号", treasury_act(payer(), LATER))
    hearer = official("hearer", "register", SCIENCE)
    act(made.number, "relent", hearer, LATER, reason="成本属实", payload={"facts": {"cost": "10000000"}})
    commit_again([made.number], official("committer", "commit", TREASURY), LATER)
    (order,) = order_again([made.number], payer(), LATER)
    assert order.instalment.amount_fen == 30_000_000, "what came back of the accepted milestone, and no more"
    import_returns(paid_at_bank(payer()), "again.csv", treasury_act(payer(), LATER))
    with pytest.raises(Conflict, match="没有已验收而未付的节点"):
        order_again([made.number], payer(), LATER)


def test_an_order_beyond_what_was_accepted_is_refused_by_the_database_too() -> None:
    made = committed(open_challenge())
    accepted(made, 1)
    act(made.number, "pay", payer(), LATER)
    second = commitments_of([made])[made.pk][0].instalments.get(number=2)
    with pytest.raises(DatabaseError, match="no more is ordered"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO treasury_paymentorder (instalment_id, attempt, payee, account_number, bank, entry_id, by, at,"
            " outcome) SELECT %s, 1, payee, account_number, bank, (SELECT min(id) FROM treasury_entry), by, at, ''"
            " FROM treasury_paymentorder LIMIT 1",
            [second.pk],
        )
    before = Milestone.objects.get(contract__application=made, number=1)
    with pytest.raises(DatabaseError, match="accepted_once"), transaction.atomic():
        MilestoneResult.objects.create(
            milestone=before, number=2, accepted=True, score=1, reason="再", by=signer(), at=LATER
        )


def test_a_contract_holds_the_plan_and_the_award() -> None:
    made = open_challenge()
    low = LAST | {"targets": [LAST["targets"][0] | {"figure": 60}, LAST["targets"][1]]}  # type: ignore[dict-item]
    for said, match in (
        (agreed(milestones=[FIRST, low]), "低于计划的 70"),
        (agreed(milestones=[FIRST]), "没有计划的指标 T2"),
        (agreed(milestones=[FIRST | {"percent": 41}, LAST]), "超过 100%"),
        (agreed(milestones=[FIRST | {"percent": None, "amount_fen": GRANTED}, LAST]), "超过批准的"),
        (agreed(milestones=[LAST, FIRST]), "先后"),
        (agreed(milestones=[FIRST, LAST | {"due_on": "明年"}]), "不是日期"),
        (agreed(milestones=[FIRST, low | {"targets": [low["targets"][0] | {"figure": "0E+999999999"}]}]), "不是不小于"),
    ):
        with pytest.raises(InvalidRequest, match=match):
            draw_up_contract(made.number, said, signer(), LATER)
    with pytest.raises(Conflict, match="已经核验"):
        file_plan(made.number, PLAN, applicant(1), LATER)
    why = low["targets"][0] | {"lowered_because": "专家组建议"}  # type: ignore[index,operator]
    draw_up_contract(made.number, agreed(milestones=[FIRST, low | {"targets": [why, low["targets"][1]]}]),  # type: ignore[index]
                     signer(), LATER)  # fmt: skip
    target = Milestone.objects.get(number=2).targets.get(code="T1")
    assert (target.lowered_because, target.milestone.contract.by) == ("专家组建议", signer())
    target.pk, target.lowered_because, target.milestone_id = None, "", Milestone.objects.get(number=1).pk
    target.planned = None
    target.code = "T9"
    target.planned_id = made.planned_targets.get(code="T2").pk
    with pytest.raises(DatabaseError), transaction.atomic():
        target.save(force_insert=True)
    with pytest.raises(DatabaseError, match="no more than its award"), transaction.atomic():
        Milestone.objects.create(contract=target.milestone.contract, number=3, title="x", due_on=DAY, amount_fen=1)


def test_a_contract_of_less_lowers_the_award_to_what_was_agreed() -> None:
    made = committed(open_challenge(), milestones=[FIRST, LAST | {"percent": 50}])
    assert standing_awards([made])[made.pk].amount_fen == made.amount_fen == GRANTED * 9 // 10
    assert sum(part.amount_fen for part in commitments_of([made])[made.pk][0].instalments.all()) == made.amount_fen


def test_on_site_there_are_two_persons_of_whom_none_belongs_to_the_applicant() -> None:
    made = committed(open_challenge())
    other = official("second", "review", SCIENCE)
    on_day = LATER.astimezone(SHANGHAI).date()
    check = {"text": "设备在场", "person": signer(), "now": LATER}
    with pytest.raises(InvalidRequest, match="须由两个人办"):
        record_site_check(made.number, 1, on_day, ("second", "second"), holds=True, **check)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed, match="就职于申报单位"):
        record_site_check(made.number, 1, on_day, ("second", "firm1"), holds=True, **check)  # type: ignore[arg-type]
    found = record_site_check(made.number, 1, on_day, ("second", "signer"), holds=True, **check)  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match="confirmed by the one of the two"), transaction.atomic():
        SiteCheckConfirmation.objects.create(site_check=found, agrees=True, by=signer(), at=LATER)
    person("a")
    gone = official("gone", "review", SCIENCE)
    gone.is_active = False
    gone.save()
    official("tied", "review", SCIENCE)
    official("third", "review", SCIENCE)
    line = "username,employer,fields,active_from\ntied,某大学,芯片,2020-01-01\n"
    import_experts(line.encode(), "专家.csv", by="李处", now=REVIEWED)
    tie("tied", made, starts=f"{on_day}", now=LATER)
    for pair, day, refused, match in (
        (("second", "third"), on_day, InvalidRequest, "由到场的两人之一登记"),
        (("a", "signer"), on_day, NotAllowed, "没有当天在任的岗位"),
        (("signer", "gone"), on_day, NotFound, "已停用"),
        (("signer", "checker"), on_day, NotAllowed, "已承担核验"),
        (("signer", "tied"), on_day - timedelta(days=1), NotAllowed, "利害关系"),
        (("second", "signer"), on_day - timedelta(days=1), InvalidRequest, "早于合同"),
        (("second", "signer"), on_day + timedelta(days=1), InvalidRequest, "还没有到"),
    ):
        with pytest.raises(refused, match=match):
            record_site_check(made.number, 1, day, pair, holds=True, **check)  # type: ignore[arg-type]
    for by, day, first in ((signer(), DAY, other), (gone, on_day, other)):
        with pytest.raises(DatabaseError, match="one of the two enters"), transaction.atomic():
            SiteCheck.objects.create(
                milestone=found.milestone, day=day, first=first, second=signer(), text="x", holds=True, by=by, at=LATER
            )
    for second, name in ((other, "two_persons"), (applicant(1), "belongs or is tied")):
        with pytest.raises(DatabaseError, match=name), transaction.atomic():
            SiteCheck.objects.create(
                milestone=found.milestone,
                day=on_day,
                first=other,
                second=second,
                text="x",
                holds=True,
                by=other,
                at=LATER,
            )


def test_a_check_on_site_counts_once_the_other_of_the_two_has_confirmed_it_in_person() -> None:
    made = committed(open_challenge())
    second, third = official("second", "review", SCIENCE), official("third", "review", SCIENCE)
    day = LATER.astimezone(SHANGHAI).date()
    one, other, denied, tied = (
        record_site_check(made.number, 1, day, (who, "signer"), said, signer(), LATER, holds=True)
        for who, said in (("second", "设备在场"), ("third", "又一次"), ("second", "第三次"), ("third", "第四次"))
    )
    account("province")
    with pytest.raises(NotAllowed, match="不是个人账号") as program:
        record_site_check(
            made.number, 1, day, (account("province").username, "signer"), "x", signer(), LATER, holds=True
        )
    assert program.value.code == "application.needs_a_person"
    assert not made.duties.filter(person=second).exists(), "nobody has a duty by what another entered"
    assert list(checks_to_confirm(second)) == [one, denied]
    for who, check in ((signer(), one), (third, one)):
        with pytest.raises(NotFound, match="由未登记的另一人确认"):
            confirm_site_check(made.number, check.pk, who, LATER)
    where = f"/api/v1/applications/{made.number}/site-checks"
    answer = personal_caller(second).post(f"{where}/{one.pk}/confirmation", {}, "application/json")
    assert answer.status_code == 200, answer.content
    with pytest.raises(NotFound):
        confirm_site_check(made.number, one.pk, second, LATER)
    with pytest.raises(InvalidRequest, match="与登记不同之处"):
        confirm_site_check(made.number, denied.pk, second, LATER, agrees=False)
    confirm_site_check(made.number, denied.pk, second, LATER, agrees=False, text="设备不在")
    drawn = "username,employer,fields,active_from\nthird,某大学,芯片,2020-01-01\n"
    import_experts(drawn.encode(), "专家.csv", by="李处", now=REVIEWED)
    tie("third", made, now=LATER)
    with pytest.raises(NotAllowed, match="利害关系"):
        confirm_site_check(made.number, tied.pk, third, LATER)
    shown = describe_contract(Viewer.for_person(signer()), made.number, LATER)["milestones"][0]["site_checks"]
    assert [(each["confirmed"], each["waits_for"], each["otherwise"]) for each in shown] == [
        (True, "", ""), (False, "third", ""), (False, "", "设备不在"), (False, "third", ""),
    ]  # fmt: skip
    accepted(made, 1)
    (result,) = MilestoneResult.objects.all()
    assert result.basis["site_checks"] == [{"day": str(day), "holds": True, "by": ["second", "signer"]}]
    assert other in checks_to_confirm(third)


def test_a_report_after_its_last_day_is_late_and_until_then_it_shows_as_overdue() -> None:
    made = committed(open_challenge())
    official_view = Viewer.for_person(person("looker", "province"))
    early = milestones_due(official_view, LATER)
    assert [(one.milestone.number, one.remind, one.overdue) for one in early] == [(1, False, False), (2, False, False)]
    assert [milestones_due(official_view, LATER, offset=at, limit=1) for at in (0, 1, 2)] == [early[:1], early[1:], []]
    reader = personal_caller(person("looker", "province"), "read")
    for asked, numbers, following in (("limit=1", [1], 1), ("offset=1&limit=1", [2], None), ("", [1, 2], None)):
        answer = reader.get(f"/api/v1/milestones?{asked}").json()
        assert ([row["milestone"] for row in answer["milestones"]], answer["next"]) == (numbers, following)
    assert milestones_due(official_view, LATER, soon_only=True) == []
    late = LATER + timedelta(days=120)
    (waiting,) = milestones_due(Viewer.for_person(applicant(1)), late, soon_only=True)
    assert (waiting.milestone.number, waiting.remind, waiting.overdue) == (1, True, True)
    assert waiting.to_dict()["report_until"] == "2025-01-16T00:00:00+08:00"  # ten working days after the new year
    assert milestones_due(Viewer.for_person(applicant(7)), late) == []
    assert [one.number for one in milestones_of_posts(signer(), late)] == [1]
    elsewhere = official("elsewhere", "register", TREASURY)
    assert not milestones_of_posts(elsewhere, late).exists()
    assert [remind_of_reports(late) for _ in range(2)] == [1, 1]
    message = Message.objects.filter(person=applicant(1)).latest("pk")
    assert (message.code, message.link) == ("report_waits", f"/applications/{made.number}")
    (word,) = Message.objects.filter(code="report_overdue")  # the office that signed it, once; nobody else there
    assert (word.person, word.link) == (signer(), f"/applications/{made.number}")
    with pytest.raises(InvalidRequest, match="逐项填写指标 T1"):
        file_report(made.number, 1, "做了", {}, applicant(1), late)
    assert file_report(made.number, 1, "做了", {"T1": "31"}, applicant(1), late).late
    reported(made, 2)
    assert milestones_due(official_view, late, soon_only=True) == []
