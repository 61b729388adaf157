"""Consents of persons whom claims are about: given and withdrawn on record; withdrawn, the name is erased at once."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application, ConsentWithdrawal, PersonConsent
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.submissions.consented import is_about_persons
from huisuan.programmes.workflow.permission import acting_for, is_applicant
from huisuan.programmes.workflow.queries import get_application

_MANY_DIGITS = re.compile(r"\d{4}")
_LONGEST_NAME, _LONGEST_PAPER = 80, 200


@transaction.atomic
def give_consent(number: str, name: str, paper: str, given_on: date, person: Person, now: datetime) -> PersonConsent:
    """Enter that a person whom a claim is about agreed: the name alone, the paper, the day.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: not by the applicant.
        InvalidRequest: no claim about persons, no name or paper, more than a name, a day to come.
        Conflict: that person has agreed already, or the claim is over.
    """
    application = get_application(Viewer.for_person(person), number)
    if person.machine or not is_applicant(person, application):
        raise NotAllowed(f"{number}：本人同意由申报单位登记", code="consent.of_the_applicant")
    if not is_about_persons(application.edition):
        raise InvalidRequest(f"{number}：这项程序不是个人申报，不登记本人同意", code="consent.not_asked")
    said = check_length(name.strip(), _LONGEST_NAME, "姓名"), check_length(paper.strip(), _LONGEST_PAPER, "同意书")
    if not all(said):
        raise InvalidRequest("须写姓名和同意书（编号或存放处）", code="consent.incomplete")
    if _MANY_DIGITS.search(said[0]):
        raise InvalidRequest("只登记姓名：证件号码、电话都不写", code="consent.only_a_name")
    _check_day(given_on, now)
    if State(application.state) in CLOSING_STATES:
        raise Conflict(f"{number} 已办结，不再登记同意", code="consent.over")
    if application.consents.filter(name=said[0]).exists():
        raise Conflict(f"{number}：{said[0]} 的同意已登记", code="consent.given")
    return PersonConsent.objects.create(
        application=application, name=said[0], paper=said[1], given_on=given_on, by=person, at=now
    )


@transaction.atomic
def withdraw_consent(
    number: str, consent: int, paper: str, withdrawn_on: date, person: Person, now: datetime
) -> ConsentWithdrawal:
    """Enter that a person took the consent back, by the applicant or by an office that handles the claim.

    The name is erased in the same transaction; what was decided and published stays on record without it.

    Raises:
        NotFound: no such application or consent, as far as the person may know.
        NotAllowed: neither the applicant nor somebody with a post in an office of the programme that day.
        InvalidRequest: no paper, or a day to come.
        Conflict: it was withdrawn before.
    """
    application = get_application(Viewer.for_person(person), number)
    _check_withdraws(application, person, now)
    held = application.consents.select_for_update(no_key=True).filter(pk=consent).first()
    if held is None:
        raise NotFound(f"{number} 没有同意 {consent}", code="consent.unknown")
    said = check_length(paper.strip(), _LONGEST_PAPER, "依据")
    if not said:
        raise InvalidRequest("撤回同意须写依据（本人的书面撤回，编号或存放处）", code="consent.no_paper")
    _check_day(withdrawn_on, now)
    if ConsentWithdrawal.objects.filter(consent=held).exists():
        raise Conflict(f"{number}：同意 {consent} 已撤回", code="consent.withdrawn_before")
    made = ConsentWithdrawal.objects.create(
        consent=held, paper=said, withdrawn_on=withdrawn_on, by=person, at=now
    )  # fmt: skip
    PersonConsent.objects.filter(pk=held.pk).update(name="")
    return made


def may_withdraw_consents(application: Application, person: Person, now: datetime) -> bool:
    """Whether the person may enter a withdrawal, as far as the application alone decides that."""
    try:
        _check_withdraws(application, person, now)
    except NotAllowed:
        return False
    return True


def consents_to_dicts(application: Application, *, whole_names: bool) -> list[dict[str, Any]]:
    """The consents of a claim as JSON carries them; names in full for the applicant, else their first sign."""
    rows = application.consents.select_related("by")
    told = ConsentWithdrawal.objects.filter(consent__application=application)
    withdrawn = dict(told.values_list("consent_id", "withdrawn_on"))
    return [
        {
            "id": one.pk, "name": shown_name(one, whole=whole_names), "paper": one.paper,
            "given_on": one.given_on.isoformat(), "by": one.by.username,
            "at": one.at.astimezone(SHANGHAI).isoformat(),
            "withdrawn_on": withdrawn[one.pk].isoformat() if one.pk in withdrawn else None,
        }
        for one in rows
    ]  # fmt: skip


def shown_name(one: PersonConsent, *, whole: bool) -> str:
    """The name, or its first sign; erased, a dash. In full it stands in the notice alone, while that is running."""
    if not one.name:
        return "—"
    return one.name if whole else one.name[0] + "＊" * (len(one.name) - 1)


def _check_withdraws(application: Application, person: Person, now: datetime) -> None:
    if person.machine or not person.is_active:
        raise NotAllowed("只有在用的个人账号可以登记", code="consent.needs_a_person")
    if is_applicant(person, application):
        return
    named = application.edition.edges.exclude(office="").values_list("office", flat=True).distinct()
    offices = {office for name in named for office in acting_for(application, name)}
    if not posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(office__name__in=offices).exists():
        raise NotAllowed(
            f"{application.number}：撤回同意由申报单位，或当天在任的办理人员登记", code="consent.no_post_in_force"
        )


def _check_day(day: date, now: datetime) -> None:
    if day > now.astimezone(SHANGHAI).date():
        raise InvalidRequest("日期不晚于今天", code="consent.day_to_come")
