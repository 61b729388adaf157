"""The opinions of offices on a case that is decided one by one: given by a post there, read by officials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.calendar.counting import WorkingDayCount
from huisuan.law.procedure import DUTY_WORDS, EACH_CITY, STATE_WORDS, Duty, State
from huisuan.parties.models import Person, Region, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.amounts.case_by_case import editions_heard_by, offices_heard, offices_to_hear
from huisuan.programmes.models import Application, DutyHeld, OfficeOpinion, ProcedureEdition
from huisuan.programmes.offices import city_governments, posts_in_force
from huisuan.programmes.workflow.due import due_counts
from huisuan.programmes.workflow.inbox import waiting_to_dict
from huisuan.programmes.workflow.permission import unknown_application
from huisuan.programmes.workflow.queries import get_application
from huisuan.programmes.workflow.ties import find_ties, tied_applicants

_LONGEST_TEXT, _MOST_FEN = 2000, 10**15
_OPEN = (
    State.SUBMITTED, State.CHECKED, State.RECOMMENDED, State.REVIEWED, State.RANKED, State.IN_PUBLICITY,
    State.SUSPENDED,
)  # fmt: skip
_READERS = (Role.PROVINCE, Role.DEPARTMENT, Role.TREASURY, Role.AUDITOR)


@dataclass(frozen=True)
class WaitingOpinion:
    """An application on which the offices of a person are to be heard, and the end of the step that waits (or None)."""

    application: Application
    offices: tuple[str, ...]
    due: WorkingDayCount | None

    def to_dict(self, now: datetime) -> dict[str, Any]:
        """As JSON carries it."""
        return {**waiting_to_dict(self.application, self.due, now), "offices": list(self.offices)}


@transaction.atomic
def give_opinion(
    number: str, office: str, text: str, person: Person, now: datetime, *, amount_fen: int | None = None
) -> OfficeOpinion:
    """Give the opinion of an office that the text names, once, by a post to recommend there.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no such post in force, tied to the applicant, or in another duty in this application.
        InvalidRequest: the office is not to be heard, no text, or an amount out of bounds.
        Conflict: it is decided already, or the office has given its opinion.
    """
    held = Application.objects.select_for_update(of=("self",), no_key=True).select_related("edition", "party")
    application, day = held.filter(number=number).first(), now.astimezone(SHANGHAI).date()
    posts = list(posts_in_force(person, day))
    if application is None or not posts or person.machine or not person.is_active:
        raise unknown_application(number)
    if office not in (wanted := offices_to_hear(application)):
        raise InvalidRequest(
            f"{number}：不需要{office}的意见；须征求意见的单位：{'、'.join(wanted) or '无'}",
            code="opinion.office_not_asked",
        )
    post = next((one for one in posts if (one.duty, one.office.name) == (Duty.RECOMMEND, office)), None)
    if post is None:
        raise NotAllowed(f"{number}：意见由{office}当天在任的推荐岗位填写", code="opinion.no_post_in_force")
    _require_apart(application, person, now)
    if application.state not in _OPEN:
        words = STATE_WORDS[State(application.state)].official
        raise Conflict(f"{number}：现为{words}，不再征求意见", code="opinion.too_late")
    kept = check_length(text.strip(), _LONGEST_TEXT, "意见")
    if not kept or (amount_fen is not None and not 0 <= amount_fen <= _MOST_FEN):
        raise InvalidRequest("意见不能为空，金额不小于 0 分", code="opinion.text_missing")
    if OfficeOpinion.objects.filter(application=application, office=post.office).exists():
        raise Conflict(f"{number}：{office}的意见已登记，不能再改", code="opinion.given")
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": Duty.RECOMMEND.value})
    return OfficeOpinion.objects.create(
        application=application, office=post.office, text=kept, amount_fen=amount_fen, by=person, post=post, at=now
    )


def offices_to_speak_for(application: Application, person: Person, now: datetime) -> list[str]:
    """The offices whose opinion the person may give now: still to be heard, by a post there, with no other duty."""
    if application.state not in _OPEN or person.machine or not person.is_active:
        return []
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=Duty.RECOMMEND)
    held = set(posts.values_list("office__name", flat=True))
    mine = [office for office in offices_to_hear(application) if office in held] if held else []
    given = set(OfficeOpinion.objects.filter(application=application).values_list("office__name", flat=True))
    left = [office for office in mine if office not in given]
    try:
        if left:
            _require_apart(application, person, now)
    except NotAllowed:
        return []
    return left


def opinions_waiting(person: Person, now: datetime) -> QuerySet[Application]:
    """The applications on which a person's posts of today are to give an opinion and have not, the oldest first.

    Left out is what the person may not act on: tied to the applicant, or in another duty there.
    """
    day = now.astimezone(SHANGHAI).date()
    held = set(posts_in_force(person, day).filter(duty=Duty.RECOMMEND).values_list("office__name", flat=True))
    if not held or person.machine or not person.is_active:
        return Application.objects.none()
    other = DutyHeld.objects.filter(application=OuterRef("pk"), person=person).exclude(duty=Duty.RECOMMEND)
    found = Application.objects.filter(_to_be_heard(held), state__in=_OPEN).exclude(Exists(other))
    found = found.exclude(tied_applicants(person, day))
    return found.select_related("party__region", "city", "edition").order_by("pk")


def _to_be_heard(offices: set[str]) -> Q:
    """Where one of some offices is to be heard and has said nothing yet."""
    governments = city_governments()
    cities = [place for place in Region.objects.all() if governments.get(place.code) in offices]
    asked = offices | (EACH_CITY if cities else set())
    found = Q(pk__in=())
    for edition in ProcedureEdition.objects.filter(pk__in=editions_heard_by(asked)):
        for office in offices.intersection(offices_heard(edition, None)):
            found |= Q(edition=edition) & _silent(office)
        for city in cities:
            own = governments[city.code]
            if own in offices_heard(edition, city):
                there = Q(party__region=city, city=None) | Q(city=city)
                found |= Q(edition=edition) & there & _silent(own)
    return found


def _silent(office: str) -> Q:
    return ~Q(Exists(OfficeOpinion.objects.filter(application=OuterRef("pk"), office__name=office)))


def describe_opinions(rows: Sequence[Application], person: Person, now: datetime) -> list[WaitingOpinion]:
    """Some of them with the offices that the person speaks for, and by when the step that they wait for is due."""
    due = due_counts(rows)
    return [WaitingOpinion(one, tuple(offices_to_speak_for(one, person, now)), due[one.pk]) for one in rows]


def list_opinions_waiting(person: Person, now: datetime, *, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """As JSON carries it; `after` is the last id of the page before."""
    rows = opinions_waiting(person, now).filter(pk__gt=after)[:limit]
    return [one.to_dict(now) for one in describe_opinions(list(rows), person, now)]


def _require_apart(application: Application, person: Person, now: datetime) -> None:
    ties = find_ties(person, [application], now.astimezone(SHANGHAI).date())
    if tie := ties.get(application.pk):
        raise NotAllowed(f"{application.number}：{tie}，须回避", code="application.tied_to_applicant")
    other = DutyHeld.objects.filter(application=application, person=person).exclude(duty=Duty.RECOMMEND).first()
    if other is not None:
        raise NotAllowed(
            f"{application.number}：{person.name}在此件中已承担{DUTY_WORDS[Duty(other.duty)][0]}，不能再出具意见",
            code="application.second_duty",
        )


def list_opinions(viewer: Viewer, number: str) -> list[dict[str, Any]]:
    """Every office to be heard, with what it said; None where it has not yet.

    Raises:
        NotFound: no application of that number, as far as the viewer may know.
        NotAllowed: the viewer is no official.
    """
    application = get_application(viewer, number)
    if viewer.role not in _READERS:
        raise NotAllowed(f"{number}：各单位的意见由省、部门、财政和审计查看", code="opinion.officials_only")
    given = {one.office.name: one for one in OfficeOpinion.objects.filter(application=application)}
    return [_opinion_to_dict(office, given.get(office)) for office in offices_to_hear(application)]


def _opinion_to_dict(office: str, given: OfficeOpinion | None) -> dict[str, Any]:
    return {
        "office": office, "text": given.text if given else None, "amount_fen": given.amount_fen if given else None,
        "by": given.by.username if given else None,
        "at": given.at.astimezone(SHANGHAI).isoformat() if given else None,
    }  # fmt: skip
