"""Reading notices: anybody the lists, the office and audit the objections, who objected what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty, State
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import (
    Application,
    ApplicationStep,
    DutyHeld,
    NoticeLine,
    Objection,
    ProcedureEdge,
    PublicNotice,
)
from huisuan.programmes.notices.answering import unknown_objection
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.publicity.ends import notice_ends
from huisuan.programmes.publicity.objections import answers_due
from huisuan.programmes.publicity.period import NoticeEnd
from huisuan.programmes.submissions.consented import standing_names
from huisuan.programmes.workflow.ties import tied_applicants

#: the steps by which an application leaves the notice that it stood on
_LEAVING = ("uphold", "withdraw", "refuse", "revoke")


def list_notices() -> QuerySet[PublicNotice]:
    """Every notice, the newest first, with how many lines it has."""
    return PublicNotice.objects.select_related("published_by").annotate(line_count=_line_count())


def _line_count() -> Coalesce:
    """Counted beside the notice: a join would repeat it for every line."""
    lines = NoticeLine.objects.filter(notice=OuterRef("pk")).order_by().values("notice").annotate(number=Count("pk"))
    return Coalesce(Subquery(lines.values("number")), 0)


def get_notice(number: str) -> PublicNotice:
    """One notice.

    Raises:
        NotFound: none of that number.
    """
    found = list_notices().filter(number=number).first()
    if found is None:
        raise NotFound(f"没有公示 {number}", code="notice.unknown")
    return found


def end_of_notice(notice: PublicNotice) -> NoticeEnd:
    """When it ends, as far as that is known."""
    return notice_ends()(notice)


def list_notice_lines(notice: PublicNotice) -> QuerySet[NoticeLine]:
    """Its lines in order, each with `objected` and `waiting`: how many objections there are, and without an answer."""
    rows = notice.lines.select_related("application", "step").order_by("position")
    return rows.annotate(
        objected=Count("objections", distinct=True),
        waiting=Count("objections", filter=Q(objections__answer__isnull=True), distinct=True),
    )


def line_standings(lines: Sequence[NoticeLine], end: NoticeEnd, now: datetime) -> dict[int, str]:
    """By line: `in_public`, `suspended` (an objection waits), `left` (sent back, withdrawn, refused), or `clear`."""
    steps = ApplicationStep.objects.filter(application__in=[line.application_id for line in lines], action__in=_LEAVING)
    last: dict[int, int] = {}
    for application, number in steps.values_list("application_id", "number"):
        last[application] = max(number, last.get(application, 0))
    found = {}
    for line in lines:
        waits = getattr(line, "waiting", 0) or line.application.state == State.SUSPENDED
        if last.get(line.application_id, 0) > line.step.number:
            found[line.pk] = "left"
        elif waits:
            found[line.pk] = "suspended"
        else:
            found[line.pk] = "clear" if end.has_passed(now) else "in_public"
    return found


def names_in_public(lines: Sequence[NoticeLine], standing: Mapping[int, str]) -> dict[int, list[str]]:
    """By line the persons whom its claim is about, while it stands in public; nobody who took the consent back."""
    names = standing_names([line.application for line in lines if standing[line.pk] in ("in_public", "suspended")])
    return {line.pk: names[line.application_id] for line in lines if line.application_id in names}


def notice_to_dict(notice: PublicNotice, end: NoticeEnd, now: datetime) -> dict[str, Any]:
    """A line of a list of notices; instants at Asia/Shanghai."""
    return {
        "number": notice.number, "policy": notice.policy, "programme": notice.programme, "title": notice.title,
        "office": notice.office, "published_at": _local(notice.published_at), "working_days": notice.working_days,
        "own_day_counts": notice.own_day, "ends_at": _local(end.ends_at), "certain_until": _local(end.certain_until),
        "state": "ended" if end.has_passed(now) else "running", "lines": getattr(notice, "line_count", None),
    }  # fmt: skip


def describe_notice(
    notice: PublicNotice, now: datetime, *, offset: int = 0, limit: int | None = None
) -> dict[str, Any]:
    """A notice with its lines (or some), as anybody may read it: of objections only that there are some."""
    end, found = end_of_notice(notice), list_notice_lines(notice)
    lines = list(found[offset : None if limit is None else offset + limit])
    standing = line_standings(lines, end, now)
    persons = names_in_public(lines, standing)
    return {
        **notice_to_dict(notice, end, now),
        "total": notice.lines.count(),
        "lines": [
            {
                "position": line.position, "application": line.application.number, "applicant": line.applicant,
                "amount_fen": line.amount_fen, "reason": line.reason, "state": standing[line.pk],
                "objections": getattr(line, "objected", 0), "unanswered": getattr(line, "waiting", 0),
                **({"persons": persons[line.pk]} if line.pk in persons else {}),
            }
            for line in lines
        ],
    }  # fmt: skip


def list_publishable(person: Person, now: datetime) -> QuerySet[Application]:
    """What a person's posts of the day may publish, the oldest first."""
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=Duty.PUBLISH)
    edges = ProcedureEdge.objects.filter(
        action="publicise", edition=OuterRef("edition"), from_state=OuterRef("state"),
        office__in=posts.values("office__name"),
    )  # fmt: skip
    held = DutyHeld.objects.filter(person=person, application=OuterRef("pk")).exclude(duty=Duty.PUBLISH)
    found = Application.objects.filter(Exists(edges)).exclude(Exists(held))
    return found.select_related("party", "city", "edition").order_by("pk")


def visible_objections(viewer: Viewer, now: datetime) -> QuerySet[Objection]:
    """Those whose names and texts a viewer may read: of notices of its offices where it publishes today; audit all.

    Of an application to whose applicant it is tied today it reads none: the objector must not fear to be known there.
    """
    found = Objection.objects.select_related(
        "line__notice", "line__application", "line__step__edition", "answer__by", "erasure"
    )
    if viewer.role == Role.AUDITOR:
        return found
    person = Person.objects.get(username=viewer.name)
    day = now.astimezone(SHANGHAI).date()
    posts = posts_in_force(person, day).filter(duty=Duty.PUBLISH)
    tied = Application.objects.filter(tied_applicants(person, day))
    return found.filter(line__notice__office__in=posts.values("office__name")).exclude(line__application__in=tied)


def get_objection(viewer: Viewer, number: int, now: datetime) -> Objection:
    """One of them.

    Raises:
        NotFound: none of that number, as far as the viewer may know.
    """
    found = visible_objections(viewer, now).filter(pk=number).first()
    if found is None:
        raise unknown_objection(number)
    return found


def objections_to_dict(objections: Iterable[Objection], now: datetime) -> list[dict[str, Any]]:
    """Objections as the office reads them, with the end of the days to answer; overdue is what certainly is."""
    asked = list(objections)
    dues = answers_due(asked)
    found = []
    for one in asked:
        due = dues[one.pk]
        ends = due.ends_at if due and not hasattr(one, "answer") else None
        found.append(_objection_to_dict(one) | {"due": _local(ends), "overdue": ends is not None and ends <= now})
    return found


def _objection_to_dict(objection: Objection) -> dict[str, Any]:
    line, answer, erasure = objection.line, getattr(objection, "answer", None), getattr(objection, "erasure", None)
    return {
        "objection": objection.pk, "notice": line.notice.number, "position": line.position,
        "application": line.application.number, "applicant": line.applicant, "name": objection.name,
        "contact": objection.contact, "facts": objection.facts, "at": _local(objection.at),
        "files": [
            {"filename": file.filename, "size": file.size, "sha256": file.sha256} for file in objection.files.all()
        ],
        "answer": {
            "upheld": answer.upheld, "text": answer.text, "by": answer.by.username, "at": _local(answer.at),
        } if answer else None,
        "erased_at": _local(erasure.at) if erasure else None,
    }  # fmt: skip


def find_followed(code: str) -> Objection:
    """The objection of a code, however it was typed (spaces, small letters).

    Raises:
        NotFound: no objection has it.
    """
    signs = "".join(sign for sign in code[:40].upper() if sign.isalnum())
    wanted = "-".join(signs[at : at + 4] for at in range(0, len(signs), 4))
    found = Objection.objects.select_related("line__notice", "answer").filter(code=wanted).first()
    if found is None:
        raise NotFound(f"没有查询码为“{code[:40]}”的异议", code="objection.code_unknown")
    return found


def follow_objection(code: str) -> dict[str, Any]:
    """What became of an objection, for whoever has its code: no name, no contact.

    Raises:
        NotFound: no objection has it.
    """
    found = find_followed(code)
    answer = getattr(found, "answer", None)
    return {
        "code": found.code, "notice": found.line.notice.number, "position": found.line.position,
        "applicant": found.line.applicant, "at": _local(found.at),
        "answer": {"upheld": answer.upheld, "text": answer.text, "at": _local(answer.at)} if answer else None,
    }  # fmt: skip


def _local(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat() if instant else None
