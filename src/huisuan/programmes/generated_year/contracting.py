"""Contracts of what was decided: planned, signed, two milestones each, reported, accepted by an office or a panel.

One report in ten misses its target and is not accepted; in a race who falls behind is eliminated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from huisuan.base.errors import Refused
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.panel import has_panel, sitting_now, vote_on_milestone
from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
from huisuan.programmes.contract_desk.reporting import file_report
from huisuan.programmes.contracts.race import runners_of
from huisuan.programmes.generated_year.handing_in import PLANNED
from huisuan.programmes.generated_year.walking import Walk
from huisuan.programmes.models import Application, Milestone

_MISSED = 10


def sign_contracts(walk: Walk) -> None:
    """Draw up and sign a contract for everything that was decided, where the procedure has contracts."""
    signer = walk.who("contract", State.DECIDED)
    if signer is None:
        return
    now = walk.pass_days(4)
    drawn_up = [number for number in walk.numbers(State.DECIDED) if _draw_up(walk, number, signer, now)]
    walk.take(drawn_up, "contract", signer, now)


def _draw_up(walk: Walk, number: str, signer: Person, now: datetime) -> bool:
    """False: of its task as many run already as may."""
    milestones = [
        {
            "title": f"示例节点{at}", "due_on": (walk.day + timedelta(days=90 * at)).isoformat(), "percent": percent,
            "targets": [{**PLANNED, "figure": 30 * at}],
        }
        for at, percent in ((1, 40), (2, 60))
    ]  # fmt: skip
    terms = {"code": f"示例-{number}", "signed_on": walk.day.isoformat(), "milestones": milestones}
    try:
        draw_up_contract(number, terms, signer, now)
    except Refused as refusal:
        walk.made.count_refusal(refusal.code)
        return False
    return True


def reach_milestone(walk: Walk, number_of_milestone: int, numbers: Sequence[str]) -> list[str]:
    """Report and accept a milestone of each of these; returns those for which it was accepted.

    What has no contract has nothing to reach.
    """
    signer = walk.who("contract", State.DECIDED)
    if signer is None:
        return list(numbers)
    contracted = Milestone.objects.filter(contract__application__number__in=numbers, number=number_of_milestone)
    now = walk.pass_days(15)
    return [
        milestone.contract.application.number
        for milestone in contracted.select_related("contract__application__edition").order_by("pk")
        if _reach(walk, milestone, signer, now)
    ]


def _reach(walk: Walk, milestone: Milestone, signer: Person, now: datetime) -> bool:
    application = milestone.contract.application
    number, at, met = application.number, milestone.number, walk.chance.randrange(_MISSED) > 0
    figure, score = (30 * at + 5, 70 + walk.chance.randrange(30)) if met else (30 * at - 5, 50)
    try:
        file_report(number, at, "示例报告", {"T1": str(figure)}, walk.made.owners[number], now)
        if has_panel(application):
            _vote(walk, milestone, signer, now, score)
            decide_milestone(number, at, "示例验收", signer, now)
        else:
            decide_milestone(number, at, "示例验收", signer, now, accepted=met, score=score)
    except Refused as refusal:
        walk.made.count_refusal(refusal.code)
        return False
    return milestone.results.filter(accepted=True).exists()


def _vote(walk: Walk, milestone: Milestone, signer: Person, now: datetime, score: int) -> None:
    number, at = milestone.contract.application.number, milestone.number
    draw_acceptance_panel(number, at, f"示例 {walk.seed}", signer, now)
    for seat in sitting_now(milestone):
        marks = min(100, score + walk.chance.randrange(5))
        vote_on_milestone(number, at, score > 50, marks, "示例意见", seat.expert.person, now)


def eliminate_runners(walk: Walk) -> None:
    """Who falls behind in a race leaves it, once what it earned is paid."""
    decider = walk.who("eliminate", State.PAYING)
    if decider is None:
        return
    paying = Application.objects.filter(number__in=walk.numbers(State.COMMITTED, State.PAYING))
    out = {
        runner.application.number: None
        for one in paying.select_related("edition", "call").order_by("pk")
        for runner in runners_of(one)
        if runner.falls_out and not runner.eliminated
    }
    walk.take(list(out), "eliminate", decider, walk.pass_days(3), "示例：赛马落后")
