"""Decided projects of 5.1 (open challenge, horse race, directed), their plans and contracts, and what follows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.reporting import file_report
from huisuan.programmes.models import Application, Call
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.workflow import act
from support.programmes import TREASURY, applicant, budget, official
from support.reviews import REVIEWED, SCIENCE, challenge, organiser, pool, recommended, scored

LATER = REVIEWED + timedelta(days=14)  # the notice has ended
DAY = date(2024, 12, 31)
FIRST = {"title": "样机", "due_on": "2024-12-31", "percent": 40, "targets": [
    {"code": "T1", "name": "参数规模", "unit": "亿", "figure": 30}]}  # fmt: skip
LAST = {"title": "通过测评", "due_on": "2025-12-15", "percent": 60, "targets": [
    {"code": "T1", "name": "参数规模", "unit": "亿", "figure": 70},
    {"code": "T2", "name": "推理时延", "unit": "毫秒", "figure": 50, "less_is_better": True}]}  # fmt: skip


def agreed(**other: Any) -> dict[str, Any]:
    """A contract of two milestones that holds the plan."""
    return {"code": f"HT-{other.pop('no', 1)}", "signed_on": "2024-11-01", "milestones": [FIRST, LAST], **other}


def signer() -> Person:
    """Who signs contracts of the department of science and accepts milestones."""
    return official("signer", "register", SCIENCE)


def decided(call: Call, *totals: int, tasks: tuple[str, ...] = ()) -> list[Application]:
    """One application a total of scores, reviewed, ranked, published and granted a fifth of its cost (10 million)."""
    pool(12)
    budget("5.1", 10**10)
    made = [
        recommended(call, number, tasks[number - 1] if tasks else "") for number, _ in enumerate(totals, start=1)
    ]  # fmt: skip
    draw_call(call.number, "2024-10-12", organiser(), REVIEWED)
    for one, total in zip(made, totals, strict=True):
        scored(one, *[total] * 5)
        act(one.number, "review", organiser(), REVIEWED)
    ranker = official("ranker", "recommend", SCIENCE)
    freeze_sheet(call.number, ranker, REVIEWED)
    for one in made:
        act(one.number, "rank", ranker, REVIEWED)
        act(one.number, "publicise", official("publisher", "publish", SCIENCE), REVIEWED)
        act(one.number, "decide", official("decider", "decide", SCIENCE), LATER)
    return [Application.objects.get(pk=one.pk) for one in made]


def committed(made: Application, number: int = 1, **other: Any) -> Application:
    """It, with its contract signed, the money set aside and an account to be paid to."""
    draw_up_contract(made.number, agreed(no=made.pk, **other), signer(), LATER)
    act(made.number, "contract", signer(), LATER)
    give_payee(made.number, applicant(number), f"13020101090221000{made.pk % 100:02d}", "工商银行合肥分行", LATER)
    act(made.number, "commit", official("committer", "commit", TREASURY), LATER)
    made.refresh_from_db()
    return made


def reported(made: Application, milestone: int, number: int = 1) -> None:
    """The report on a milestone, every target reached."""
    reached = {1: {"T1": "35"}, 2: {"T1": "72.5", "T2": "48"}}[milestone]
    file_report(made.number, milestone, "按期完成", dict(reached), applicant(number), LATER)


def accepted(made: Application, milestone: int, number: int = 1, score: int = 85) -> None:
    """Reported, and accepted by the office."""
    reported(made, milestone, number)
    decide_milestone(made.number, milestone, "达到指标", signer(), LATER, accepted=True, score=score)


def open_challenge() -> Application:
    """One decided project of an open challenge."""
    return decided(challenge(), 80)[0]
