"""Answering an objection: by a post to publish of somebody who has not handled that application."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.procedure import ACTION_WORDS, DUTY_WORDS, Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.models import (
    ANSWERING_ACTIONS,
    Application,
    ApplicationStep,
    DutyHeld,
    Objection,
    ObjectionAnswer,
    Post,
)
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.publicity.conditions import unanswered_objections
from huisuan.programmes.workflow import act
from huisuan.programmes.workflow.permission import Permissions

_LONGEST = 1000


@transaction.atomic
def answer_objection(objection: int, text: str, by: Person, now: datetime, *, upheld: bool) -> ObjectionAnswer:
    """Answer an objection, once. Upheld, its application goes back to be checked again, with the answer as reason.

    Turned down, publicity goes on as soon as no other objection waits.

    Raises:
        NotFound: no such objection, as far as the person may know.
        NotAllowed: no post to publish there, tied to the applicant, another duty in it, or handled it before.
        Conflict: it is answered.
    """
    asked = Objection.objects.filter(pk=objection).select_related("line__notice").first()
    if asked is None:
        raise unknown_objection(objection)
    application = Application.objects.select_for_update(of=("self",), no_key=True).get(pk=asked.line.application_id)
    post = _post_that_answers(application, asked, by, now)
    if ObjectionAnswer.objects.filter(objection=asked).exists():
        raise Conflict(f"异议 {objection} 已有答复", code="objection.answered")
    said = "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()
    if not said:
        raise InvalidRequest("答复须写理由", code="objection.answer_missing")
    check_length(said, _LONGEST, "答复")
    DutyHeld.objects.get_or_create(application=application, person=by, defaults={"duty": post.duty})
    made = ObjectionAnswer.objects.create(objection=asked, upheld=upheld, text=said, by=by, post=post, at=now)
    if upheld:
        _send_back(application, asked, said, by, now)
    elif application.state == State.SUSPENDED and application.pk not in unanswered_objections([application]):
        act(application.number, "resume", by, now, reason=said, payload={"objection": asked.pk})
    return made


def unknown_objection(number: int) -> NotFound:
    """The refusal for an objection that is not there, or not for this person."""
    return NotFound(f"没有异议 {number}", code="objection.unknown")


def _post_that_answers(application: Application, asked: Objection, by: Person, now: datetime) -> Post:
    if by.machine or not by.is_active:
        raise NotAllowed("只有在用的个人账号可以办理：程序请用本人的令牌", code="application.needs_a_person")
    if refusal := Permissions.load(by, "uphold", "", [application], now).ask_duty(application):
        raise refusal
    handled = ApplicationStep.objects.filter(application=application, person=by).exclude(action__in=ANSWERING_ACTIONS)
    if handled.exists():
        raise NotAllowed(
            f"{application.number}：{by.name}办理过此件，异议须由没有办理过的人答复", code="objection.handled_before"
        )
    held = posts_in_force(by, now.astimezone(SHANGHAI).date()).filter(duty=Duty.PUBLISH)
    office = asked.line.notice.office
    post = held.filter(office__name=office).first()  # two posts of one office may overlap: either does
    if post is None:
        raise NotAllowed(
            f"{application.number}：“{ACTION_WORDS['uphold'].zh}”须由{office}当天在任的"
            f"{DUTY_WORDS[Duty.PUBLISH][0]}岗位办理",
            code="application.no_post_in_force",
        )
    return post


def _send_back(application: Application, asked: Objection, said: str, by: Person, now: datetime) -> None:
    """From publicity back to its check; one that has left publicity meanwhile stays where it is."""
    payload = {"objection": asked.pk}
    if application.state == State.IN_PUBLICITY:
        act(application.number, "suspend", by, now, reason=f"异议 {asked.pk}", payload=payload)
    if application.state in (State.IN_PUBLICITY, State.SUSPENDED):
        act(application.number, "uphold", by, now, reason=said, payload=payload)
