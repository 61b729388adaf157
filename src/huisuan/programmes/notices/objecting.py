"""Objecting to a line of a notice: by anybody, until the notice ends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from huisuan.base.errors import Conflict, HuisuanError, InvalidRequest, NotFound
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty, State
from huisuan.messages.notify import notify
from huisuan.messages.recipients import this_person
from huisuan.parties.models import Person
from huisuan.programmes.applications.evidence_files import READER_SECONDS, Accepted, check_evidence
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.programmes.models import (
    Application,
    ApplicationStep,
    NoticeLine,
    Objection,
    ObjectionArrival,
    ObjectionFile,
    ObjectionTry,
)
from huisuan.programmes.models.limits import MOST_OBJECTION_FILES
from huisuan.programmes.offices.services import every_post_in_force
from huisuan.programmes.publicity.ends import notice_ends, show_end

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is mistaken for another (Crockford's base 32)
_MOST_FROM_A_PLACE, _WINDOW = 20, timedelta(hours=1)  # tries, kept or refused
_SWEEP_EVERY = 100  # tries
_READING_AT_MOST = timedelta(seconds=READER_SECONDS * (MOST_OBJECTION_FILES + 1))
_MOST_WAITING = 200  # of one line: nobody answers more, and the first of them suspends it already
#: field of the form -> what it is called, its longest text
OBJECTION_FIELDS: Mapping[str, tuple[str, int]] = {
    "name": ("姓名", 80), "contact": ("联系方式", 120), "facts": ("事实和理由", 5000),
}  # fmt: skip


@dataclass(frozen=True)
class ObjectionText:
    """What somebody who objects has written, and the files beside it: name and content."""

    name: str
    contact: str
    facts: str
    files: Sequence[tuple[str, bytes]] = field(default=())


class ObjectionRefused(InvalidRequest):
    """What is wrong with an objection, by field."""

    def __init__(self, wrong: Mapping[str, HuisuanError]) -> None:
        self.wrong = wrong
        super().__init__("；".join(str(one) for one in wrong.values()), code="objection.malformed")


def object_to_line(number: str, position: int, said: ObjectionText, now: datetime, *, place: str = "") -> Objection:
    """Keep an objection to a line; until it is answered, nothing of this application is decided.

    `place` is a digest of where it came from: many tries from one place within an hour are refused, unread. Files are
    read, which may take minutes, without a lock; that it came is on record meanwhile, and keeps the line from being
    decided.

    Raises:
        NotFound: no such line.
        ObjectionRefused: what is wrong, by field.
        Conflict: the notice has ended, its application has left publicity, or too many came.
    """
    line = _line(number, position)
    _check_open(line, now)
    _check_waiting(line)
    _count_try(place, now)
    arrival = _announce(line, now)
    try:
        texts, files = _checked(said)
        return _keep(line, texts, files, place, now)
    finally:
        arrival.delete()


def _announce(line: NoticeLine, now: datetime) -> ObjectionArrival:
    """Say that an objection came while it could: its line is not decided while its files are being read."""
    with transaction.atomic():
        _lock(line)
        _check_open(line, now)
        ObjectionArrival.objects.filter(until__lte=now).delete()  # what never came to its end
        return ObjectionArrival.objects.create(line=line, until=now + _READING_AT_MOST)


def _lock(line: NoticeLine) -> None:
    """A decision and an objection never pass each other."""
    line.application = Application.objects.select_for_update(no_key=True).get(pk=line.application_id)


def _keep(
    line: NoticeLine, texts: Mapping[str, str], files: Sequence[tuple[Accepted, bytes]], place: str, now: datetime
) -> Objection:
    with transaction.atomic():
        _lock(line)
        _check_open(line, now)
        _check_waiting(line)
        made = Objection.objects.create(line=line, code=_draw_code(), place=place, at=now, **texts)
        for accepted, content in files:
            ObjectionFile.objects.create(
                objection=made, filename=accepted.filename, media_type=accepted.media_type, size=len(content),
                sha256=evidence_store().store(content),
            )  # fmt: skip
        _tell_office(made, now)
    return made


def _tell_office(made: Objection, now: datetime) -> None:
    """Whoever publishes for that office today, and may answer; nothing of who objects stands in the message."""
    line = made.line
    posts = every_post_in_force(now.astimezone(SHANGHAI).date())
    posts = posts.filter(duty=Duty.PUBLISH, office__name=line.notice.office)
    handled = ApplicationStep.objects.filter(application=line.application).values("person")
    people = Person.objects.filter(pk__in=posts.values("person")).exclude(pk__in=handled)
    notify(
        "objection_came",
        {"notice": line.notice.number, "position": line.position, "number": line.application.number},
        to=[this_person(one) for one in people],
        key=f"objection:{made.pk}",
        now=now,
        link=f"/publicity/{made.pk}",
    )


def _line(number: str, position: int) -> NoticeLine:
    lines = NoticeLine.objects.filter(notice__number=number, position=position)
    line = lines.select_related("notice", "application").first()
    if line is None:
        raise NotFound(f"公示 {number} 没有第 {position} 项", code="notice.line_unknown")
    return line


def _check_open(line: NoticeLine, now: datetime) -> None:
    number, end = line.notice.number, notice_ends()(line.notice)
    if now < line.notice.published_at or end.has_passed(now):
        raise Conflict(
            f"公示 {number} 已期满（{show_end(end)}），异议不再受理；请向发布单位信访或申诉", code="objection.too_late"
        )
    if line.application.state not in (State.IN_PUBLICITY, State.SUSPENDED):
        raise Conflict(f"{number} 第 {line.position} 项已不在公示中，不能再提异议", code="objection.line_closed")


def _checked(said: ObjectionText) -> tuple[dict[str, str], list[tuple[Accepted, bytes]]]:
    wrong: dict[str, HuisuanError] = {}
    texts: dict[str, str] = {}
    for name, (words, most) in OBJECTION_FIELDS.items():
        text = "".join(sign for sign in getattr(said, name) if sign.isprintable() or sign == "\n").strip()
        if not text:
            wrong[name] = InvalidRequest(f"请写{words}", code="objection.field_missing")
        elif len(text) > most:
            wrong[name] = InvalidRequest(f"{words}至多 {most} 字：现为 {len(text)} 字", code="objection.field_too_long")
        texts[name] = text
    files: dict[str, tuple[Accepted, bytes]] = {}
    try:
        if len(said.files) > MOST_OBJECTION_FILES:
            raise InvalidRequest(f"至多 {MOST_OBJECTION_FILES} 个文件", code="objection.too_many_files")
        for filename, content in said.files:
            files[bytes_sha256(content)] = check_evidence(filename, content), content
    except InvalidRequest as error:
        wrong["files"] = error
    if wrong:
        raise ObjectionRefused(wrong)
    return texts, list(files.values())


def _check_waiting(line: NoticeLine) -> None:
    if line.objections.filter(answer__isnull=True).count() >= _MOST_WAITING:
        raise Conflict("这一项等待答复的异议已很多：它已暂停，请等答复", code="objection.too_many_waiting")


def _count_try(place: str, now: datetime) -> None:
    """Write down a try before it is judged, so that many at once count like many in turn."""
    if not place:
        return
    made = ObjectionTry.objects.create(place=place, at=now)
    if made.pk % _SWEEP_EVERY == 0:
        ObjectionTry.objects.filter(at__lte=now - _WINDOW).delete()
    if ObjectionTry.objects.filter(place=place, at__gt=now - _WINDOW).count() > _MOST_FROM_A_PLACE:
        made.delete()
        raise Conflict("提得太频繁：请一小时后再提，或书面送交发布单位", code="objection.too_many")


def _draw_code() -> str:
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(3))
