"""Amending a signed contract: the only way in which an agreed figure changes, and what it was before stays readable."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.desk import contract_of, lock_milestones, take_up
from huisuan.programmes.contract_desk.panel import round_of, sitting_now, vote_in
from huisuan.programmes.contracts.terms import AmendmentTerms, read_amendment
from huisuan.programmes.models import AmendedTarget, Application, Contract, ContractAmendment, ContractTarget

_SIGNED = (State.CONTRACTED.value, State.COMMITTED.value, State.PAYING.value)


@transaction.atomic
def amend_contract(number: str, said: object, person: Person, now: datetime) -> ContractAmendment:
    """Keep a supplementary agreement; from here on its figures are those that are to be reached.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application.
        InvalidRequest: what is wrong with which target; a target that the contract does not have, or that stays as it
            is; a day to come or before the contract.
        Conflict: it is not signed yet or over, a milestone that is accepted, or on which a panel is voting.
    """
    terms, application = read_amendment(said), take_up(number, person, now)
    contract = contract_of(application)
    lock_milestones(contract)
    if application.state not in _SIGNED:
        raise Conflict(f"{number}：合同签订之后、付清之前才能变更", code="contract.not_amended_now")
    if not contract.signed_on <= terms.agreed_on <= now.astimezone(SHANGHAI).date():
        raise InvalidRequest(
            f"{number}：补充协议的签订日期 {terms.agreed_on} 须不早于合同的 {contract.signed_on}，不晚于今天",
            code="contract.day_to_come",
        )
    changed = _changed(application, contract, terms)
    made = ContractAmendment.objects.create(
        contract=contract, number=contract.amendments.count() + 1, code=terms.code, agreed_on=terms.agreed_on,
        reason=terms.reason, by=person, at=now,
    )  # fmt: skip
    AmendedTarget.objects.bulk_create(
        AmendedTarget(amendment=made, target=target, figure=figure) for target, figure in changed
    )
    return made


def figures_in_force(targets: Iterable[ContractTarget]) -> dict[int, Decimal]:
    """By row id of a target the figure that is to be reached: of the last amendment that names it, else as agreed."""
    found = {target.pk: target.figure for target in targets}
    rows = AmendedTarget.objects.filter(target__in=list(found)).order_by("amendment__number")
    return found | dict(rows.values_list("target", "figure"))


def _changed(
    application: Application, contract: Contract, terms: AmendmentTerms
) -> list[tuple[ContractTarget, Decimal]]:
    rows = ContractTarget.objects.filter(milestone__contract=contract).select_related("milestone")
    targets = {(row.milestone.number, row.code): row for row in rows}
    held, number = figures_in_force(targets.values()), application.number
    for (at, code), figure in terms.figures.items():
        target = targets.get((at, code))
        if target is None:
            raise InvalidRequest(f"{number}：合同第 {at} 个节点没有指标 {code}", code="contract.target_unknown")
        if figure == held[target.pk]:
            raise InvalidRequest(f"{number}：指标 {code} 已是 {figure} {target.unit}", code="contract.target_unchanged")
        if target.milestone.results.filter(accepted=True).exists():
            raise Conflict(f"{number}：第 {at} 个节点已验收，指标不再变更", code="contract.accepted_already")
        if any(vote_in(seat, round_of(target.milestone)) for seat in sitting_now(target.milestone)):
            raise Conflict(
                f"{number}：专家组正在就第 {at} 个节点投票，登记结果之后再变更", code="contract.panel_is_voting"
            )
    return [(targets[key], figure) for key, figure in terms.figures.items()]


def describe_amendments(contract: Contract) -> list[dict[str, Any]]:
    """Every amendment as JSON carries it, the first first: each target with its figure before and after."""
    rows = contract.amendments.select_related("by").prefetch_related("targets__target__milestone")
    held: dict[int, Decimal] = {}
    found = []
    for row in rows:
        targets = []
        for each in row.targets.all():
            before = held.get(each.target_id, each.target.figure)
            lower = each.figure > before if each.target.less_is_better else each.figure < before
            held[each.target_id] = each.figure
            targets.append(
                {
                    "milestone": each.target.milestone.number, "code": each.target.code, "name": each.target.name,
                    "unit": each.target.unit, "before": plain_figure(before), "figure": plain_figure(each.figure),
                    "lower": lower,
                }
            )  # fmt: skip
        found.append(
            {
                "number": row.number, "code": row.code, "agreed_on": row.agreed_on.isoformat(), "reason": row.reason,
                "by": row.by.username, "at": row.at.astimezone(SHANGHAI).isoformat(), "targets": targets,
            }
        )  # fmt: skip
    return found


def plain_figure(figure: object) -> str:
    """A figure without the zeros that the database adds."""
    text = f"{figure}"
    return text.rstrip("0").rstrip(".") if "." in text else text
