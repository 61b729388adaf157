"""Contracts of what was decided: two milestones each, reported and accepted one after the other, one in ten missed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from huisuan.law.procedure import State
from huisuan.programmes.contract_desk.accepting import decide_milestone
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.reporting import file_report
from huisuan.programmes.generated_year.walking import Walk
from huisuan.programmes.models import Milestone

_MISSED = 10
_TARGET = {"code": "T1", "name": "示例指标", "unit": "分"}


def sign_contracts(walk: Walk) -> None:
    """Draw up and sign a contract for everything that was decided, where the procedure has contracts."""
    signer = walk.who("contract", State.DECIDED)
    if signer is None:
        return
    now = walk.pass_days(4)
    numbers = walk.numbers(State.DECIDED)
    for number in numbers:
        milestones = [
            {
                "title": f"示例节点{at}", "due_on": (walk.day + timedelta(days=90 * at)).isoformat(),
                "percent": percent, "targets": [{**_TARGET, "figure": 30 * at}],
            }
            for at, percent in ((1, 40), (2, 60))
        ]  # fmt: skip
        terms = {"code": f"示例-{number}", "signed_on": walk.day.isoformat(), "milestones": milestones}
        draw_up_contract(number, terms, signer, now)
    walk.take(numbers, "contract", signer, now)


def reach_milestone(walk: Walk, number_of_milestone: int, numbers: Sequence[str]) -> list[str]:
    """Report and accept a milestone of each of these; returns those for which it was accepted.

    What has no contract has nothing to reach.
    """
    signer = walk.who("contract", State.DECIDED)
    if signer is None:
        return list(numbers)
    contracted = Milestone.objects.filter(contract__application__number__in=numbers, number=number_of_milestone)
    reached = []
    now = walk.pass_days(15)
    for number in contracted.order_by("pk").values_list("contract__application__number", flat=True):
        met = walk.chance.randrange(_MISSED) > 0
        figure = 30 * number_of_milestone + (5 if met else -5)
        file_report(number, number_of_milestone, "示例报告", {"T1": str(figure)}, walk.made.owners[number], now)
        decide_milestone(
            number, number_of_milestone, "示例验收", signer, now, accepted=met, score=85 if met else 50
        )  # fmt: skip
        reached += [number] if met else []
    return reached
