"""Making and answering appeals, and setting their terms: each one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.bulletins.appeals.queries import (
    appeal_term_on,
    appeal_window,
    appealable_rows,
    criteria_of,
    scored_places,
    speaks_for,
)
from huisuan.bulletins.appeals.telling import tell_of_answer, tell_of_appeal
from huisuan.bulletins.desk.queries import get_issue
from huisuan.bulletins.models import AppealAnswer, AppealTerm, DepartmentDelegate, ScoreAppeal
from huisuan.bulletins.models.appeals import MOST_APPEAL_DAYS
from huisuan.parties.models import Person, Role


@dataclass(frozen=True)
class MadeAppeal:
    """What is held against which row of an issue (a region's code, a department or none), and which criterion of it."""

    region: str
    office: str
    criterion: str
    text: str


@dataclass(frozen=True)
class SetTerm:
    """Within how many working days appeals are made and answered, of bulletins of which day on, by which document."""

    appeal_days: int
    answer_days: int
    valid_from: date
    authority: str


@transaction.atomic
def make_appeal(number: int, made: MadeAppeal, person: Person, now: datetime) -> ScoreAppeal:
    """Appeal against what bulletin `number` says of an office of one's city, or of one's own department.

    The working group gets a message.

    Raises:
        NotFound: no such bulletin was issued, it scores no such office, or by no such criterion.
        NotAllowed: the office is not of the person's city, nor one for which the person speaks.
        Conflict: the time is over, the bulletin was corrected already, or the same was appealed already.
        InvalidRequest: no text, or too long.
    """
    issue = get_issue(number)
    if (made.region, made.office) not in scored_places(issue):
        raise NotFound(
            f"{issue.number} 没有给 {made.region[:6]} {made.office[:60]} 打分", code="appeal.office_not_scored"
        )
    if (made.region, made.office) not in appealable_rows(issue, person, now):
        raise NotAllowed("异议由被通报的市、部门提出：市提本市和所属部门的，省级部门提自己的", code="appeal.not_theirs")
    if made.criterion and made.criterion not in criteria_of(issue):
        raise NotFound(f"{issue.number} 没有项目 {made.criterion[:40]}", code="appeal.criterion_unknown")
    newer = getattr(issue, "corrected_by", None)
    if newer is not None:
        raise Conflict(f"{issue.number} 已由 {newer.number} 更正：请对新的一版提出", code="appeal.issue_corrected")
    window = appeal_window(issue)
    if window and window.ends_at and window.ends_at <= now:
        last = window.counted[-1]
        raise Conflict(f"{issue.number} 的异议到 {last} 为止，已经过了", code="appeal.late")
    text = _text("异议的内容", made.text, 1000)
    term = appeal_term_on(issue.day)
    twin = ScoreAppeal.objects.filter(
        issue=issue, region=made.region, office=made.office, criterion=made.criterion
    ).first()
    if twin is not None:
        raise Conflict(f"同一项已经提过异议：{twin.pk}", code="appeal.made_already")
    appeal = ScoreAppeal.objects.create(
        issue=issue, region=made.region, office=made.office, criterion=made.criterion, text=text, by=person, at=now,
        appeal_days=term.appeal_days if term else None, answer_days=term.answer_days if term else None,
    )  # fmt: skip
    tell_of_appeal(appeal, now)
    return appeal


@transaction.atomic
def answer_appeal(number: int, upheld: bool, text: str, person: Person, now: datetime) -> AppealAnswer:
    """Answer an appeal; one that is upheld is followed by a correction of the bulletin, which names it.

    Whoever appealed gets a message.

    Raises:
        NotFound: no such appeal.
        NotAllowed: not of the province, or somebody who speaks for the department that appealed.
        Conflict: it was answered already.
        InvalidRequest: no reason, or too long.
    """
    if person.role != Role.PROVINCE:
        raise NotAllowed("异议由省专班答复", code="appeal.for_the_province")
    appeal = ScoreAppeal.objects.select_for_update().filter(pk=number).first()
    if appeal is None:
        raise NotFound(f"没有编号为 {number} 的异议", code="appeal.unknown")
    if hasattr(appeal, "answer"):
        raise Conflict(f"异议 {number} 已经答复过", code="appeal.answered_already")
    if appeal.by_id == person.pk or speaks_for(person, appeal.region, appeal.office, now):
        raise NotAllowed("自己部门的异议不能自己答复：请别的部门的人答复", code="appeal.own_department")
    answer = AppealAnswer.objects.create(
        appeal=appeal, upheld=upheld, text=_text("答复的内容", text, 1000), by=person, at=now
    )
    tell_of_answer(answer, now)
    return answer


@transaction.atomic
def set_delegate(department: str, username: str, speaks: bool, by: Person, now: datetime) -> DepartmentDelegate:
    """Say that somebody of the province speaks for a department of it from now on, or does no longer.

    Raises:
        NotAllowed: not by the province, or for oneself.
        NotFound: nobody of the province is called so.
        InvalidRequest: no department.
    """
    if by.role != Role.PROVINCE:
        raise NotAllowed("部门的联络人由省专班定", code="appeal.for_the_province")
    person = Person.objects.filter(username=username, role=Role.PROVINCE, is_active=True, machine=False).first()
    if person is None:
        raise NotFound(f"没有省级的在用账号 {username[:80]}", code="person.unknown")
    if person.pk == by.pk:
        raise NotAllowed("自己不能定自己为部门的联络人：请另一个人来定", code="appeal.own_delegate")
    return DepartmentDelegate.objects.create(
        department=_text("部门", department, 120), person=person, speaks=speaks, by=by, at=now
    )


@transaction.atomic
def set_appeal_term(term: SetTerm, person: Person, now: datetime) -> AppealTerm:
    """Set the terms of bulletins from a day on.

    Raises:
        NotAllowed: not of the province.
        InvalidRequest: days out of bounds, or no document.
    """
    if person.role != Role.PROVINCE:
        raise NotAllowed("异议的期限由省专班定", code="appeal.for_the_province")
    if not all(1 <= days <= MOST_APPEAL_DAYS for days in (term.appeal_days, term.answer_days)):
        raise InvalidRequest(f"异议的期限：须为 1 至 {MOST_APPEAL_DAYS} 个工作日", code="appeal.term_out_of_bounds")
    return AppealTerm.objects.create(
        appeal_days=term.appeal_days, answer_days=term.answer_days, valid_from=term.valid_from,
        authority=_text("期限的依据", term.authority, 300), by=person, at=now,
    )  # fmt: skip


def _text(name: str, value: str, most: int) -> str:
    clean = " ".join(value.split())
    if not clean or len(clean) > most or not clean.isprintable():
        raise InvalidRequest(f"{name}：须为 1 至 {most} 个字", code="appeal.text_wrong")
    return clean
