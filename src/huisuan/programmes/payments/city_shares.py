"""A city says of which project it claims the province's share; what it paid the register of vouchers says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, CityShare
from huisuan.programmes.workflow.permission import is_applicant, unknown_application
from huisuan.settlement.runs.claim_facts import RegisteredClaim, answer_claim
from huisuan.treasury.city_payments import normal_project

_OPEN = (State.DRAFT.value, State.RETURNED.value)


@transaction.atomic
def claim_share(
    number: str, project: str, declared: Mapping[str, object], person: Person, now: datetime
) -> RegisteredClaim:
    """Say, before it is handed in, what the share is of and what no register knows; the rule's answer to it.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: the application is not of a city, or the person only reads there.
        Conflict: it was handed in.
        InvalidRequest: the rule has no fact that is paid by voucher, or facts that cannot be read.
    """
    found = Application.objects.filter(number=number).select_related("edition")
    application = found.select_for_update(of=("self",), no_key=True).first()
    if application is None or not is_applicant(person, application):
        raise unknown_application(number)
    if application.city_id is None or person.machine or person.widest_scope == "read":
        raise NotAllowed("分担的是市的拨付：由市的人员填写（只读成员除外）", code="award.share_by_city")
    if application.state not in _OPEN:
        raise Conflict(f"{number}：已提交，不能再改；请先退回补正", code="award.share_handed_in")
    project = normal_project(project)
    edition = application.edition
    answer = answer_claim(
        edition.policy, edition.key, application.city_id, project, application.year, declared,
        now.astimezone(SHANGHAI).date(),
    )  # fmt: skip
    CityShare.objects.create(
        application=application, number=application.shares.count() + 1, project=project, declared=dict(declared),
        by=person, at=now,
    )  # fmt: skip
    return answer
