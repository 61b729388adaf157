"""The plan of an applicant: targets with figures and units, filed once while the application is being checked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.desk import as_applicant
from huisuan.programmes.contracts.terms import TargetTerms, read_plan
from huisuan.programmes.models import Application, PlannedTarget

_OPEN = (State.DRAFT.value, State.SUBMITTED.value, State.RETURNED.value)


@transaction.atomic
def file_plan(number: str, said: object, person: Person, now: datetime) -> list[PlannedTarget]:
    """Keep the targets of a plan; they are what a contract may not go below.

    Raises:
        NotFound, NotAllowed: not the applicant's person.
        InvalidRequest: what is wrong with which target.
        Conflict: it is checked already, or has a plan.
    """
    targets, application = read_plan(said), as_applicant(number, person)
    if application.state not in _OPEN:
        raise Conflict(f"{number}：已经核验，计划不能再改", code="contract.plan_too_late")
    if application.planned_targets.exists():
        raise Conflict(f"{number}：计划已提交，不能再改", code="contract.plan_given")
    return PlannedTarget.objects.bulk_create(
        PlannedTarget(
            application=application, code=each.code, name=each.name, unit=each.unit, figure=each.figure,
            less_is_better=each.less_is_better, by=person, at=now,
        )
        for each in targets
    )  # fmt: skip


def planned_terms(application: Application) -> dict[str, TargetTerms]:
    """The targets of the plan by code."""
    return {
        row.code: TargetTerms(row.code, row.name, row.unit, row.figure, row.less_is_better)
        for row in application.planned_targets.all()
    }
