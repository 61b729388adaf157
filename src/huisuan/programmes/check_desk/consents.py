"""Consents of persons whom claims are about: given and withdrawn on record; withdrawn, the name is erased at once.

One given again after that the office confirms.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.procedure import CLOSING_STATES, Duty, State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Application, ConsentConfirmation, ConsentWithdrawal, DutyHeld, PersonConsent
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.submissions.consented import is_about_persons
from huisuan.programmes.workflow.permission import Permissions, acting_for, is_applicant
from huisuan.programmes.workflow.queries import get_application
from huisuan.programmes.workflow.ties import find_ties

_MANY_DIGITS = re.compile(r"\d{4}")
_LONGEST_NAME, _LONGEST_PAPER = 80, 200


@transaction.atomic
def give_consent(number: str, name: str, paper: str, given_on: date, person: Person, now: datetime) -> PersonConsent:
    """Enter that a person whom a claim is about agreed: the name alone, the paper, the day.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: not by the applicant.
        InvalidRequest: no claim about persons, no name or paper, more than a name, a day to come, or one not after
            the day on which a consent to it was taken back.
        Conflict: that person has agreed already, or the claim is over.
    """
    application = _locked(number, person)
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
    back = ConsentWithdrawal.objects.filter(consent__application=application, withdrawn_on__gte=given_on)
    if last := back.order_by("-withdrawn_on").first():
        raise InvalidRequest(
            f"{number}：{last.withdrawn_on} 已有人撤回同意：重新同意须在那天之后另写同意书",
            code="consent.before_withdrawal",
        )
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
        NotAllowed: neither the applicant nor somebody with a post in an office of the programme that day; tied to it.
        InvalidRequest: no paper, or a day to come.
        Conflict: it was withdrawn before.
    """
    application = _locked(number, person)
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


@transaction.atomic
def confirm_consent(number: str, consent: int, person: Person, now: datetime) -> ConsentConfirmation:
    """Say, for the office that checks, that the new paper of a consent given again was seen: from now on it counts.

    Raises:
        NotFound: no such application or consent, as far as the person may know.
        NotAllowed: no post to check it that day, tied to the applicant, another duty in it, or a program.
        Conflict: it needs no confirmation, or was withdrawn or confirmed before.
    """
    application = _locked(number, person)
    if refusal := _why_not_confirm(application, person, now):
        raise refusal
    held = application.consents.select_for_update(no_key=True).filter(pk=consent).first()
    if held is None:
        raise NotFound(f"{number} 没有同意 {consent}", code="consent.unknown")
    if ConsentWithdrawal.objects.filter(consent=held).exists():
        raise Conflict(f"{number}：同意 {consent} 已撤回", code="consent.withdrawn_before")
    if not held.again or ConsentConfirmation.objects.filter(consent=held).exists():
        raise Conflict(f"{number}：同意 {consent} 不须确认，或已确认", code="consent.needs_no_confirmation")
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": Duty.CHECK.value})
    return ConsentConfirmation.objects.create(consent=held, by=person, at=now)


def may_confirm_consents(application: Application, person: Person, now: datetime) -> bool:
    """Whether the person may confirm a consent that was given again, as far as the application alone decides that."""
    return _why_not_confirm(application, person, now) is None


def _why_not_confirm(application: Application, person: Person, now: datetime) -> Refused | None:
    if person.machine or not person.is_active:
        return NotAllowed("只有在用的个人账号可以登记", code="consent.needs_a_person")
    return Permissions.load(person, "check", "", [application], now).ask_duty(application)


def _locked(number: str, person: Person) -> Application:
    """The application, locked: no step that asks for consents is taken meanwhile."""
    found = get_application(Viewer.for_person(person), number)
    locked = Application.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("party", "city", "edition").get(pk=found.pk)


def may_withdraw_consents(application: Application, person: Person, now: datetime) -> bool:
    """Whether the person may enter a withdrawal, as far as the application alone decides that."""
    try:
        _check_withdraws(application, person, now)
    except NotAllowed:
        return False
    return True


def consents_to_dicts(application: Application, *, whole_names: bool) -> list[dict[str, Any]]:
    """The consents of a claim as JSON carries them; names in full for the applicant, else their first sign."""
    rows = application.consents.select_related("by", "confirmation")
    told = ConsentWithdrawal.objects.filter(consent__application=application)
    withdrawn = dict(told.values_list("consent_id", "withdrawn_on"))
    return [
        {
            "id": one.pk, "name": shown_name(one, whole=whole_names), "paper": one.paper,
            "given_on": one.given_on.isoformat(), "by": one.by.username,
            "at": one.at.astimezone(SHANGHAI).isoformat(),
            "withdrawn_on": withdrawn[one.pk].isoformat() if one.pk in withdrawn else None,
            "waits": waits_for_confirmation(one),
        }
        for one in rows
    ]  # fmt: skip


def waits_for_confirmation(one: PersonConsent) -> bool:
    """Whether it was given again after a withdrawal, and the office has not confirmed it yet."""
    return one.again and bool(one.name) and not hasattr(one, "confirmation")


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
    if tie := find_ties(person, [application], now.astimezone(SHANGHAI).date()).get(application.pk):
        raise NotAllowed(f"{application.number}：{tie}，须回避", code="consent.tied_to_applicant")


def _check_day(day: date, now: datetime) -> None:
    if day > now.astimezone(SHANGHAI).date():
        raise InvalidRequest("日期不晚于今天", code="consent.day_to_come")
