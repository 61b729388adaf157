"""Reading the flags of an application, and answering one: with a reason, by somebody who does not check it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.flags.answered import flags_of
from huisuan.programmes.models import Application, ApplicationFlag, DutyHeld, FlagReason
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.workflow.permission import acting_for
from huisuan.programmes.workflow.queries import get_application, visible_applications
from huisuan.programmes.workflow.ties import find_ties

_LONGEST_REASON = 1000


def get_for_officials(viewer: Viewer, number: str) -> Application:
    """An application, for somebody who handles or audits it.

    Raises:
        NotFound: none of that number, as far as the viewer may know.
        NotAllowed: the viewer is who applies: flags and checks speak of others, too.
    """
    found = get_application(viewer, number)
    if viewer.role == Role.USER or (viewer.role == Role.CITY and found.city_id == viewer.city):
        raise NotAllowed(f"{number}：疑点和核验记录由办理单位查看", code="application.not_for_applicants")
    return found


def list_flags(viewer: Viewer, number: str) -> list[dict[str, Any]]:
    """The flags of an application; the other one by its number where the viewer may see it.

    Raises:
        NotFound: none of that number, as far as the viewer may know.
        NotAllowed: the viewer is who applies.
    """
    application = get_for_officials(viewer, number)
    found = list(flags_of([application]))
    others = {pk for flag in found for pk in (flag.application_id, flag.other_id) if pk is not None}
    seen = dict(visible_applications(viewer).filter(pk__in=others).values_list("pk", "number"))
    return [_to_dict(flag, application, seen) for flag in found]


def _to_dict(flag: ApplicationFlag, application: Application, seen: dict[int, str]) -> dict[str, Any]:
    other = flag.other_id if flag.application_id == application.pk else flag.application_id
    kind = FlagReason(flag.kind)
    return {
        "id": flag.pk, "kind": kind.value, "what": kind.label,
        "other": None if flag.other_id is None else seen.get(other or 0, "（无权查看）"),
        "saw": flag.saw if other is None or other in seen else {},
        "raised_at": flag.raised_at.astimezone(SHANGHAI).isoformat(),
        "answered_by": flag.answered_by.username if flag.answered_by else None,
        "answered_at": flag.answered_at.astimezone(SHANGHAI).isoformat() if flag.answered_at else None,
        "reason": flag.reason,
    }  # fmt: skip


def may_answer_flags(application: Application, person: Person, now: datetime) -> bool:
    """Whether the person may answer flags of this application, as far as it alone decides that."""
    try:
        _check_who(person, application, [application], now)
    except NotAllowed:
        return False
    return True


@transaction.atomic
def give_flag_answer(number: str, flag_id: int, person: Person, reason: str, now: datetime) -> ApplicationFlag:
    """Answer a flag of an application, once, for all that it concerns.

    Raises:
        NotFound: no such flag, as far as the person may know.
        NotAllowed: no post in an office of the programme that day, tied to an applicant, or its checker.
        InvalidRequest: no reason.
        Conflict: it was answered before.
    """
    application = get_for_officials(Viewer.for_person(person), number)
    flag = flags_of([application]).select_for_update(of=("self",), no_key=True).filter(pk=flag_id).first()
    if flag is None:
        raise NotFound(f"{number} 没有疑点 {flag_id}", code="flag.unknown")
    concerned = [one for one in (flag.application, flag.other) if one is not None]
    _check_who(person, application, concerned, now)
    if flag.saw.get("person") == person.username:
        raise NotAllowed(f"{number}：疑点 {flag_id} 关系到您本人，由别人答复", code="flag.answered_by_concerned")
    reason = check_length(reason.strip(), _LONGEST_REASON, "理由")
    if not reason:
        raise InvalidRequest("答复疑点须写理由", code="flag.reason_missing")
    if flag.answered_at is not None:
        raise Conflict(f"{number}：疑点 {flag_id} 已有答复", code="flag.answered")
    flag.answered_by, flag.answered_at, flag.reason = person, now, reason
    flag.save(update_fields=["answered_by", "answered_at", "reason"])
    return flag


def _check_who(person: Person, application: Application, concerned: list[Application], now: datetime) -> None:
    day = now.astimezone(SHANGHAI).date()
    named = application.edition.edges.exclude(office="").values_list("office", flat=True).distinct()
    offices = {office for name in named for office in acting_for(application, name)}
    if person.machine or not posts_in_force(person, day).filter(office__name__in=offices).exists():
        raise NotAllowed(f"{application.number}：疑点由本程序办理单位当天在任的人员答复", code="flag.no_post_in_force")
    if tie := next(iter(find_ties(person, concerned, day).values()), ""):
        raise NotAllowed(f"{application.number}：{tie}，须回避", code="application.tied_to_applicant")
    barred = DutyHeld.objects.filter(
        person=person, application__in=concerned, duty__in=(Duty.CHECK.value, Duty.APPLY.value)
    )
    if barred.exists():
        raise NotAllowed(
            f"{application.number}：疑点由核验人以外的人答复，{person.name}核验过其中一件",
            code="flag.answered_by_checker",
        )
