"""What an office does about its panels: an expert is released from a seat, a meeting of a panel is entered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.text_length import check_length
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, DutyHeld, PanelMeeting, PanelSeat, Post
from huisuan.programmes.review.panels import leave_seat, sitting
from huisuan.programmes.review.plan import plan_of
from huisuan.programmes.review.scores import score_sheet
from huisuan.programmes.scoring.results import require_must_meet
from huisuan.programmes.scoring.seats import require_under_review
from huisuan.programmes.workflow.permission import Permissions, unknown_application

_LONGEST_MINUTES = 2000


@transaction.atomic
def record_meeting(
    number: str, marks: Mapping[str, int], minutes: str, person: Person, now: datetime
) -> PanelMeeting:  # fmt: skip
    """Enter what a panel agreed on where its sheets were too far apart; that score counts from then on.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post to review in the office of the procedure, tied to the applicant, or in another duty.
        Conflict: the panel need not meet, or has.
        InvalidRequest: no minutes, or marks that are none.
    """
    application, post = reviewing_office(number, person, now, lock=True)
    require_under_review(application)
    require_must_meet(application)
    kept = check_length(minutes.strip(), _LONGEST_MINUTES, "合议记录")
    if not kept:
        raise InvalidRequest("合议须写记录：怎样得出一致意见", code="review.minutes_missing")
    criteria = plan_of(application).criteria
    explained = {each.key: kept for each in criteria.criteria}  # the minutes are the reason for every mark
    score = score_sheet(criteria, marks, explained)
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": Duty.REVIEW.value})
    return PanelMeeting.objects.create(
        application=application, marks=dict(marks), minutes=kept, score=str(score), by=person, post=post, at=now
    )


@transaction.atomic
def release_expert(number: str, username: str, reason: str, person: Person, now: datetime) -> PanelSeat:
    """The office takes an expert out of a panel, for a reason; returns the seat of the alternate who follows.

    Raises:
        NotFound: no such application, as far as the person may know, or nobody of that name in its panel.
        NotAllowed: no post to review in the office of the procedure.
        Conflict: the review is over, or no alternate is left.
        InvalidRequest: no reason.
    """
    application, _ = reviewing_office(number, person, now, lock=False)
    require_under_review(application)
    seat = sitting(application).filter(expert__person__username=username).first()
    if seat is None:
        raise NotFound(f"{number} 的评审组没有 {username}", code="review.no_seat")
    return leave_seat(seat, reason, tie_years=plan_of(application).tie_years, by=person.username, now=now)


def reviewing_office(number: str, person: Person, now: datetime, *, lock: bool) -> tuple[Application, Post]:
    """The application, and the post of today under which a person organises its review.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no such post in force, tied to the applicant, or in another duty in this application.
        InvalidRequest: the procedure has no review.
    """
    held = Application.objects.select_related("party", "edition", "call__edition").filter(number=number)
    application = (held.select_for_update(of=("self",), no_key=True) if lock else held).first()
    if application is None:
        raise unknown_application(number)
    permissions = Permissions.load(person, "review", "", [application], now)
    refused = permissions.ask_duty(application)
    if refused is not None:
        raise refused
    edge = next(edge for edge in permissions.edges.values() if edge.edition_id == application.edition_id)
    post = permissions.post_for(application, edge)
    assert post is not None  # else it was refused
    return application, post
