"""What the workflow asks of contracts: a plan, a contract, an evaluation; and the award is what was agreed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.law.procedure import State
from huisuan.programmes.awards.owed import Owed
from huisuan.programmes.awards.recovering import supersede
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.contracts.audited import paid_above_audited
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.models import (
    Application,
    ApplicationStep,
    Contract,
    FinalEvaluation,
    Milestone,
    PlannedTarget,
)
from huisuan.programmes.step_conditions import AskedStep


def have_a_plan(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What will be put under contract says its targets before it is checked."""
    wanted = [one for one in applications if declared_contract(one.edition)]
    have = set(PlannedTarget.objects.filter(application__in=wanted).values_list("application_id", flat=True))
    return {
        one.pk: Conflict(
            f"{one.number}：还没有计划指标；请申报单位在此件的页面填写，或 huisuan contract plan",
            code="contract.no_plan",
        )
        for one in wanted
        if one.pk not in have
    }


def is_drawn_up(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What is signed was drawn up, where the procedure has contracts."""
    wanted = [one for one in applications if declared_contract(one.edition)]
    have = set(Contract.objects.filter(application__in=wanted).values_list("application_id", flat=True))
    return {
        one.pk: Conflict(f"{one.number}：请先拟定合同和节点（huisuan contract draw-up）", code="contract.none")
        for one in wanted
        if one.pk not in have
    }


def award_what_was_agreed(steps: Sequence[ApplicationStep]) -> None:
    """Where the milestones are worth less than the award, the award is what was agreed from here on."""
    applications = [step.application for step in steps]
    awards = standing_awards(applications)
    amounts: dict[int, int] = {}
    for pk, fen in Milestone.objects.filter(contract__application__in=applications).values_list(
        "contract__application", "amount_fen"
    ):
        amounts[pk] = amounts.get(pk, 0) + fen
    for step in steps:
        award, agreed = awards.get(step.application_id), amounts.get(step.application_id)
        if award is not None and agreed is not None and agreed < award.amount_fen:
            supersede(award, Owed(agreed, award.entitlement), step, "按合同各节点的金额")


def are_evaluated(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What was under contract and is monitored is evaluated before it is closed, and owes nothing as audited."""
    wanted = [one for one in applications if declared_contract(one.edition) and one.state == State.MONITORED]
    have = set(FinalEvaluation.objects.filter(application__in=wanted).values_list("application_id", flat=True))
    return paid_above_audited([one for one in wanted if one.pk in have]) | {
        one.pk: Conflict(
            f"{one.number}：办结前须有项目评价（huisuan contract evaluate）", code="contract.not_evaluated"
        )
        for one in wanted
        if one.pk not in have
    }
