"""The contest (10.1) from registration through its round to the prizes: juries and marks come from draws and sheets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huisuan.base.csv_lines import FileReport
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.check_desk.consents import give_consent
from huisuan.programmes.models import Application, Call, RegisteredThing
from huisuan.programmes.registers.services import import_register
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.programmes.workflow import act
from support.calls import CLOSES, DURING, draft, opened
from support.programmes import applicant, budget, official, person
from support.registers import OFFICE, POLICY
from support.reviews import REVIEWED, pool, seated

pytestmark = pytest.mark.django_db
LATER = REVIEWED + timedelta(days=14)
ROUND = "编号,轮次名称,自,年度,评委抽签,晋级项目数"
PRIZE = "编号,项目名称,自,轮次编号,申报编号,奖项"


def entry(call: Call, number: int) -> Application:
    """A project that registers for the contest and is checked."""
    made = submit_draft(call.number, draft(number, rule="10.1", files=()).pk, applicant(number), DURING)
    give_consent(made.number, "张三", f"{number} 号", DURING.date(), applicant(number), DURING)
    checker = official("checker", "check", OFFICE)
    check_application(made.number, checker, CLOSES)
    act(made.number, "check", checker, CLOSES, reason="核对过")
    return Application.objects.get(pk=made.pk)


def judged(*means: int) -> list[Application]:
    """One project a mark from each juror, of 100; whoever has less than recommended wins nothing."""
    official("publisher", "publish", OFFICE)
    said = {"title": "创新应用大赛", "evidence": (), "shortage": "rank", "line": budget("10.1", 10**10).pk}
    call = opened(programme="10.1", **said)
    pool(9)
    made = [entry(call, number) for number, _ in enumerate(means, start=1)]
    organiser = official("reviewer", "review", OFFICE)
    draw_call(call.number, "", organiser, REVIEWED)
    for one, mean in zip(made, means, strict=True):
        full = criteria(one)
        for expert in seated(one):
            marks = {key: most * mean // 100 for key, most in full.items()}
            send_sheet(one.number, marks, dict.fromkeys(marks, "因为"), expert, REVIEWED)
        act(one.number, "review", organiser, REVIEWED)
    return made


def criteria(one: Application) -> dict[str, int]:
    from huisuan.programmes.review.plan import plan_of

    return {each.key: each.most for each in plan_of(one).criteria.criteria}


def decided(one: Application) -> None:
    act(one.number, "rank", official("ranker", "recommend", OFFICE), REVIEWED)
    act(one.number, "publicise", official("publisher", "publish", OFFICE), REVIEWED)
    act(one.number, "decide", official("decider", "decide", OFFICE), LATER)


def stored(key: str, header: str, *rows: str) -> FileReport:
    official("keeper", "register", OFFICE)
    content = "\n".join([header, *rows]).encode()
    return import_register(content, f"{key}.csv", POLICY, key, by=person("keeper"), now=LATER, reason="更正")


def said(key: str, code: str) -> dict[str, object]:
    latest = RegisteredThing.objects.get(register=key, code=code).latest
    assert latest is not None
    return {**latest.values, "holder": latest.holder.uscc if latest.holder else ""}


def test_a_contest_goes_from_registration_through_its_round_to_prizes_with_the_marks_of_the_drawn_jury() -> None:
    won, lost = judged(90, 20)
    assert won.call is not None
    title = f"{won.call.number} 第 1 次"
    report = stored("rounds", ROUND, f"R1,决赛,2024-10-20,2024,{title},1")
    assert (report.new, report.faults) == (1, [])
    jury = {seat.pk for one in (won, lost) for seat in seated(one)}
    assert said("rounds", "R1") == {
        "year": 2024, "draw": title, "passed": 1, "jury": len(jury), "entries": 2, "holder": "",
    }  # fmt: skip
    early = stored("prizes", PRIZE, f"XM-1,甲项目,2024-11-05,R1,{won.number},一等奖")
    assert [fault.rule for fault in early.faults] == ["没有入选，或还没有公示期满作出决定"]
    freeze_sheet(won.call.number, official("ranker", "recommend", OFFICE), REVIEWED)
    decided(won)
    rows = (
        f"XM-1,甲项目,2024-11-05,R1,{won.number.lower()} ,一等奖", f"XM-2,乙项目,2024-11-05,R1,{lost.number},二等奖",
        "XM-3,丙项目,2024-11-05,R1,A2024-009999,三等奖",
    )  # fmt: skip
    report = stored("prizes", PRIZE, *rows)
    assert [(fault.line, fault.column) for fault in report.faults] == [(3, "申报编号"), (4, "申报编号")]
    assert won.party is not None
    assert said("prizes", "XM-1") == {
        "round": "R1", "entry": won.number, "prize": "一等奖", "mark": "90.00", "holder": won.party.uscc,
    }  # fmt: skip
    assert stored("prizes", PRIZE, rows[0]).same == 1


def test_a_jury_that_nobody_drew_and_figures_that_are_typed_otherwise_are_refused() -> None:
    (one,) = judged(90)
    assert one.call is not None
    title = f"{one.call.number} 第 1 次"
    report = stored(
        "rounds", f"{ROUND},评委数（自专家库抽取）,参赛项目数", "R1,初赛,2024-10-20,2024,自选评委,0,7,3",
        f"R2,初赛,2024-10-20,2024,{title},0,7,", f"R3,初赛,2024-10-20,2024,{title},2,,",
    )  # fmt: skip
    assert sorted((fault.line, fault.column, fault.value) for fault in report.faults) == [
        (2, "评委抽签", "自选评委"), (3, "评委数（自专家库抽取）", "7"), (4, "晋级项目数", "2"),
    ]  # fmt: skip
    assert not RegisteredThing.objects.filter(register="rounds").exists()
    assert not stored("rounds", ROUND, f"R1,初赛,2024-10-20,2024,{title},1").faults
    again = stored("rounds", ROUND, f"R2,决赛,2024-10-21,2024,{title},1")
    assert "与在册的 R1 相同" in again.faults[0].rule
    other = stored("prizes", f"{PRIZE},获奖单位", f"XM-1,甲项目,2024-11-05,R1,{one.number},一等奖,")
    assert other.faults
