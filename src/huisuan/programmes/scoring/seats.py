"""The seat of an expert in a panel: found for who holds it, given up, and left at once where a conflict has come up.

Conflicts are looked at again whenever the file is opened and when the sheet is sent: what was right on the day of the
draw need not be so any more.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import DUTY_WORDS, STATE_WORDS, Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, DutyHeld, PanelSeat, ProcedureEdge
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import EXCLUSION_NAMES, Exclusion, ReviewedApplication, find_exclusion
from huisuan.programmes.review.panels import leave_seat, sitting
from huisuan.programmes.review.plan import plan_of

_ANY_LOAD = 1 << 30


def seat_of(number: str, person: Person) -> PanelSeat:
    """The seat in which a person sits now, for an application.

    Raises:
        NotFound: no application of that number, as far as who does not sit there may know.
    """
    application = Application.objects.select_related("party", "edition", "call__edition").filter(number=number).first()
    seat = sitting(application).filter(expert__person=person).first() if application else None
    if application is None or seat is None or person.machine or not person.is_active:
        raise NotFound(f"没有由您评审的申报 {number}：要您评审的列在“我的评审”", code="review.no_seat")
    seat.application = application
    return seat


def read_seat(number: str, person: Person, now: datetime) -> tuple[PanelSeat, str]:
    """The seat in which a person sits now, and why it has to be given up; empty: nothing bars it. Changes nothing.

    Raises:
        NotFound: the person does not sit there.
    """
    seat = seat_of(number, person)
    duty = DutyHeld.objects.filter(application=seat.application, person=person).exclude(duty=Duty.REVIEW).first()
    return seat, f"在此件中已承担{DUTY_WORDS[Duty(duty.duty)][0]}" if duty else find_conflict(seat, now)


def open_seat(number: str, person: Person, now: datetime) -> PanelSeat:
    """The seat of who is about to read or score; with a conflict of today it is left, and the next alternate called.

    Raises:
        NotFound: the person does not sit there.
        NotAllowed: a conflict has come up, or the person has another duty in this application.
    """
    seat, reason = read_seat(number, person, now)
    if not reason:
        return seat
    try:
        require_under_review(seat.application)
        leave_seat(seat, reason, tie_years=plan_of(seat.application).tie_years, by=person.username, now=now)
        after = "已由候补专家递补"
    except Conflict as left:  # the review is over, or nobody follows: refused all the same
        after = str(left)
    raise NotAllowed(f"{number}：您{reason}，须回避；{after}", code="review.conflict_of_interest")


def find_conflict(seat: PanelSeat, now: datetime) -> str:
    """Why the expert may not review any more on that day; empty: may. Fields and loads were settled by the draw."""
    application, day = seat.application, now.astimezone(SHANGHAI).date()
    if application.party is None:
        return ""
    sides = load_applicant_sides([application.party], day)
    side, username = sides[application.party.pk], seat.expert.person.username
    years = plan_of(application).tie_years
    (expert,) = load_drawn_experts(sides.values(), day, years, {}, [username])
    found = find_exclusion(ReviewedApplication(application.number, "", side.parties, side.city), expert, _ANY_LOAD)
    return "" if found is None or found is Exclusion.LOAD else EXCLUSION_NAMES[found]


@transaction.atomic
def recuse(number: str, person: Person, reason: str, now: datetime) -> PanelSeat:
    """An expert gives up the seat; returns that of the alternate who follows.

    Raises:
        NotFound: the person does not sit there.
        InvalidRequest: no reason.
        Conflict: the review is over, or no alternate is left.
    """
    seat = seat_of(number, person)
    require_under_review(seat.application)
    return leave_seat(seat, reason, tie_years=plan_of(seat.application).tie_years, by=person.username, now=now)


def require_under_review(application: Application) -> None:
    """Refuse what is not under review: not yet, or no longer.

    Raises:
        Conflict: it is in another state.
    """
    states = set(
        ProcedureEdge.objects.filter(edition=application.edition_id, action="review").values_list(
            "from_state", flat=True
        )
    )
    if application.state not in states:
        raise Conflict(
            f"{application.number}：现为{STATE_WORDS[State(application.state)].official}，不在评审中",
            code="review.not_under_review",
        )
