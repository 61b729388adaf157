"""Drawing up a contract: milestones within the award, targets not below the plan but for a reason on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.awards.committing import instalment_count
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.contract_desk.desk import take_up
from huisuan.programmes.contract_desk.planning import planned_terms
from huisuan.programmes.contracts.figures import contract_figures
from huisuan.programmes.contracts.race import OUT_OF_RACE, task_of
from huisuan.programmes.contracts.terms import ContractTerms, TargetTerms, read_contract
from huisuan.programmes.models import Application, Award, Contract, ContractTarget, Milestone


@transaction.atomic
def draw_up_contract(number: str, said: object, person: Person, now: datetime) -> Contract:
    """Keep a contract on the award that stands; the step "contract" then signs it.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application.
        InvalidRequest: what is wrong with which milestone or target; milestones above the award; a target below the
            plan without a reason.
        Conflict: nothing is decided, or it has a contract; as many runners of the task as there may be.
    """
    terms, application = read_contract(said), take_up(number, person, now)
    award = standing_awards([application]).get(application.pk)
    if application.state != State.DECIDED or award is None or not award.amount_fen:
        raise Conflict(f"{number}：批准之后、签订之前才能拟合同", code="contract.not_decided")
    if Contract.objects.filter(application=application).exists():
        raise Conflict(f"{number}：合同已拟定，不能再改", code="contract.drawn_up")
    _check_amounts(application, terms, award, now)
    agreed = _agreed(number, terms, planned_terms(application))
    task = task_of(application)
    _check_runners(application, task, now)
    made = Contract.objects.create(
        application=application, award=award, code=terms.code, signed_on=terms.signed_on, task=task, by=person, at=now
    )
    milestones = Milestone.objects.bulk_create(
        Milestone(contract=made, number=at, title=each.title, due_on=each.due_on, amount_fen=fen)
        for at, (each, fen) in enumerate(zip(terms.milestones, terms.amounts(award.amount_fen), strict=True), start=1)
    )
    planned = {row.code: row for row in application.planned_targets.all()}
    ContractTarget.objects.bulk_create(
        ContractTarget(
            milestone=milestones[at], planned=planned[each.code] if holds else None, code=each.code, name=each.name,
            unit=each.unit, figure=each.figure, less_is_better=each.less_is_better,
            lowered_because=each.lowered_because if holds else "",
        )
        for at, each, holds in agreed
    )  # fmt: skip
    return made


def _check_amounts(application: Application, terms: ContractTerms, award: Award, now: datetime) -> None:
    amounts = terms.amounts(award.amount_fen)
    if sum(amounts) > award.amount_fen:
        raise InvalidRequest(
            f"{application.number}：各节点合计 {yuan(sum(amounts))} 元，超过批准的 {yuan(award.amount_fen)} 元",
            code="contract.above_the_award",
        )
    if not sum(amounts):
        raise InvalidRequest(f"{application.number}：各节点都没有金额", code="contract.amount_malformed")
    most, paid = instalment_count(application.edition, now.astimezone(SHANGHAI).date()), sum(map(bool, amounts))
    if paid > most:
        raise InvalidRequest(
            f"{application.number}：有 {paid} 个节点付款，拨付次数至多 {most} 次", code="contract.too_many_instalments"
        )


def _agreed(
    number: str, terms: ContractTerms, plan: Mapping[str, TargetTerms]
) -> Iterator[tuple[int, TargetTerms, bool]]:
    """Every target with the place of its milestone, and whether there the target of the plan has to be met."""
    last = {each.code: at for at, one in enumerate(terms.milestones) for each in one.targets}
    if missing := [code for code in plan if code not in last]:
        raise InvalidRequest(
            f"{number}：合同没有计划的指标 {'、'.join(missing)}；调低的也须写明数值和理由",
            code="contract.target_missing",
        )
    found = []
    for at, one in enumerate(terms.milestones):
        for each in one.targets:
            holds = each.code in plan and last[each.code] == at
            if each.code in plan:
                _check_against_plan(number, each, plan[each.code], holds=holds)
            found.append((at, each, holds))
    return iter(found)


def _check_against_plan(number: str, said: TargetTerms, plan: TargetTerms, *, holds: bool) -> None:
    if (said.unit, said.less_is_better) != (plan.unit, plan.less_is_better):
        raise InvalidRequest(
            f"{number}：指标 {said.code} 的单位或方向与计划不同（计划为 {plan.figure} {plan.unit}）",
            code="contract.target_of_another_unit",
        )
    if holds and said.is_worse_than(plan) and not said.lowered_because:
        raise InvalidRequest(
            f"{number}：指标 {said.code} {said.name} 为 {said.figure} {said.unit}，低于计划的 {plan.figure}；"
            "确须调低的写明理由（lowered_because）",
            code="contract.target_lowered",
        )


def _check_runners(application: Application, task: str, now: datetime) -> None:
    """At most so many runners of a task, counted while the call is locked."""
    race = contract_figures(application.edition, now, "race")
    if not race or application.call is None:
        return
    type(application.call).objects.select_for_update(no_key=True).get(pk=application.call.pk)
    signed = Contract.objects.filter(application__call=application.call_id, task=task)
    running = signed.exclude(application__state__in=OUT_OF_RACE).count()
    if running >= race["runners"]:
        raise Conflict(
            f"{application.number}：任务 {task or '（未分任务）'} 已有 {running} 家承担单位，至多 {race['runners']} 家",
            code="contract.runners_full",
        )
