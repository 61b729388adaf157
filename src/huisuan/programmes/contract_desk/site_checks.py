"""Checks on site by two: one of them enters what was found, the other confirms it in person or says what was otherwise.

Until then a check does not count: no result rests on it.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import DUTY_WORDS, Duty
from huisuan.parties.models import Person, Role
from huisuan.programmes.contract_desk.desk import lock_application, milestone_of, said_text, signing_duty, take_up
from huisuan.programmes.models import Application, DutyHeld, Milestone, SiteCheck, SiteCheckConfirmation
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow.permission import acting_for
from huisuan.programmes.workflow.ties import find_ties

_LONGEST_FINDING = 4000


@transaction.atomic
def record_site_check(
    number: str, milestone: int, day: date, pair: tuple[str, str], text: str, person: Person, now: datetime, *,
    holds: bool,
) -> SiteCheck:  # fmt: skip
    """What two persons found on site; one of them enters it, and it counts once the other has confirmed it.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application; one of the two belongs or is tied to
            the applicant, on that day or now, holds no post in an office of the procedure, or has another duty here.
        InvalidRequest: one person twice, neither enters it, a day to come or before the contract, nothing said.
        Conflict: no such milestone.
    """
    application = take_up(number, person, now)
    found, today = milestone_of(application, milestone), now.astimezone(SHANGHAI).date()
    first, second = (find_person(name) for name in pair)
    if first == second:
        raise InvalidRequest(f"{number}：现场核查须由两个人办，写的都是{first.name}", code="contract.one_person_twice")
    for each in (first, second):
        if each.machine:
            raise NotAllowed(f"{number}：{each.name}不是个人账号，不能现场核查", code="application.needs_a_person")
        if why := _why_not_on_site(each, application, {day, today}, now):
            raise NotAllowed(f"{number}：{why}，不能现场核查", code="contract.tied_on_site")
    if person not in (first, second):
        raise InvalidRequest(f"{number}：现场核查由到场的两人之一登记", code="contract.entered_by_another")
    if day > today:
        raise InvalidRequest(f"{number}：现场核查的日期 {day} 还没有到", code="contract.day_to_come")
    contract = found.contract
    if day < (begins := min(contract.signed_on, contract.at.astimezone(SHANGHAI).date())):
        raise InvalidRequest(
            f"{number}：现场核查的日期 {day} 早于合同的 {begins}", code="contract.day_before_the_contract"
        )
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": signing_duty(application)})
    return SiteCheck.objects.create(
        milestone=found, day=day, first=first, second=second, text=said_text(text, "核查情况", _LONGEST_FINDING),
        holds=holds, by=person, at=now,
    )  # fmt: skip


def _why_not_on_site(person: Person, application: Application, days: set[date], now: datetime) -> str:
    """Why a person does not check on site; empty: may."""
    ties = (find_ties(person, [application], day).get(application.pk) for day in sorted(days))
    if tie := next(filter(None, ties), ""):
        return tie
    if person.role == Role.USER:
        return f"{person.name}是申报单位一方的账号"
    named = application.edition.edges.exclude(office="").values_list("office", flat=True).distinct()
    offices = {office for name in named for office in acting_for(application, name)}
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(office__name__in=offices)
    if not person.is_active or not posts.exists():
        return f"{person.name}在本程序的办理单位没有当天在任的岗位"
    held = DutyHeld.objects.filter(application=application, person=person).exclude(duty=signing_duty(application))
    first = held.first()
    return f"{person.name}在此件中已承担{DUTY_WORDS[Duty(first.duty)][0]}" if first else ""


@transaction.atomic
def confirm_site_check(
    number: str, check: int, person: Person, now: datetime, *, agrees: bool = True, text: str = ""
) -> SiteCheckConfirmation:
    """The other of the two confirms what was entered, or says what was otherwise; once.

    Raises:
        NotFound: no such check of this application that waits for this person.
        NotAllowed: a program; by now the person belongs or is tied to the applicant, holds no post in an office of the
            procedure, or has another duty here.
        InvalidRequest: found otherwise, and not said what.
    """
    if person.machine:
        raise NotAllowed(f"{number}：现场核查由本人确认", code="application.needs_a_person")
    application = lock_application(number)
    found = checks_to_confirm(person).filter(pk=check, milestone__contract__application=application).first()
    if found is None:
        raise NotFound(
            f"{number}：没有等您确认的现场核查 {check}：由未登记的另一人确认，一次", code="contract.no_check_to_confirm"
        )
    if why := _why_not_on_site(person, application, {found.day, now.astimezone(SHANGHAI).date()}, now):
        raise NotAllowed(f"{number}：{why}，不能现场核查", code="contract.tied_on_site")
    said = said_text(text, "与登记不同之处") if text.strip() or not agrees else ""
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": signing_duty(application)})
    return SiteCheckConfirmation.objects.create(site_check=found, agrees=agrees, text=said, by=person, at=now)


def checks_to_confirm(person: Person) -> QuerySet[SiteCheck]:
    """The checks on site that wait for a person's own word, the oldest first."""
    named = Q(first=person) | Q(second=person)
    waiting = SiteCheck.objects.filter(named, confirmation__isnull=True).exclude(by=person)
    return waiting.select_related(
        "first", "second", "by", "milestone__contract__application__party", "milestone__contract__application__edition"
    ).order_by("id")


def confirmed_checks(milestone: Milestone) -> QuerySet[SiteCheck]:
    """The checks on site of a milestone that count: both say the same."""
    return milestone.site_checks.filter(confirmation__agrees=True).select_related("first", "second")
