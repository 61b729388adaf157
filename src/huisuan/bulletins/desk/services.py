"""Drafting, reviewing, issuing and correcting bulletins: each one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.bulletins.desk.queries import list_bulletins, snapshot_of
from huisuan.bulletins.desk.statement import ISSUE_KIND, issue_message
from huisuan.bulletins.desk.telling import tell_of_correction
from huisuan.bulletins.docx_templates.services import load_bulletin_template, newest_bulletin_template
from huisuan.bulletins.figures.freezing import asked_of, is_up_to_date, issue_compared
from huisuan.bulletins.issuing.bulletin_folder import BulletinImprint, make_bulletin
from huisuan.bulletins.issuing.shelf import bulletins_shelf
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinKind, BulletinReview, BulletinSnapshot
from huisuan.compute.keys.platform_key import sign
from huisuan.compute.metering.audit.folder import canonical
from huisuan.parties.models import Person, Role

_MOST_DEMANDS = 20


@dataclass(frozen=True)
class DraftedWords:
    """What an office adds to the figures: its name, what the period is called, what it asks for next."""

    office: str
    period: str
    demands: Sequence[str]


@transaction.atomic
def draft_bulletin(kind: BulletinKind, frozen: dict[str, Any], words: DraftedWords, person: Person, now: datetime,
                   *, first: bool = False, kept: str = "") -> Bulletin:  # fmt: skip
    """Draft a bulletin of frozen figures, compared with the last issue of the kind; `first`: with nothing.

    `kept` are the contributions behind figures of money, use or scenarios.

    Raises:
        NotAllowed: not of the province.
        InvalidRequest: a text is missing or too long.
    """
    _check_province(person)
    snapshot = _keep(kind, frozen, now, kept)
    issued = None if first else _issue_compared(kind, snapshot)
    return _draft(kind, snapshot, issued.bulletin.snapshot if issued else None, words, person, now)


@transaction.atomic
def correct_bulletin(
    number: int, frozen: dict[str, Any], reason: str, person: Person, now: datetime, *, kept: str = ""
) -> Bulletin:  # fmt: skip
    """Draft a new version of an issued bulletin from figures frozen anew; it is reviewed and issued as every draft.

    Raises:
        NotAllowed: not of the province.
        NotFound: no such bulletin was issued.
        Conflict: it was corrected already: correct the newer one.
        InvalidRequest: no reason, or too long.
    """
    _check_province(person)
    old = BulletinIssue.objects.select_related("bulletin__before", "corrected_by").filter(bulletin_id=number).first()
    if old is None:
        raise NotFound(f"没有签发过第 {number} 号通报", code="bulletin.not_issued")
    _check_standing(old)
    draft = old.bulletin
    words = DraftedWords(draft.office, draft.period, draft.demands)
    kind = BulletinKind(draft.kind)
    return _draft(
        kind, _keep(kind, frozen, now, kept), draft.before, words, person, now, old, _text("更正的理由", reason, 300)
    )


@transaction.atomic
def review_bulletin(number: int, passed: bool, note: str, person: Person, now: datetime) -> BulletinReview:
    """Pass a draft, or send it back with a reason: by another person than whoever drafted it.

    Raises:
        NotFound: no such draft.
        NotAllowed: not of the province, or one's own draft.
        Conflict: it was reviewed already.
        InvalidRequest: sent back without a reason.
    """
    draft = _lock(number, person)
    if draft.by_id == person.pk:
        raise NotAllowed("自己起草的通报不能自己审核：请另一个人审核", code="bulletin.own_draft")
    if hasattr(draft, "review"):
        raise Conflict(f"第 {number} 号通报已经审核过：要改就重新起草", code="bulletin.reviewed_already")
    said = _text("退回的理由", note, 500) if not passed else " ".join(note.split())[:500]
    return BulletinReview.objects.create(bulletin=draft, passed=passed, note=said, by=person, at=now)


@transaction.atomic
def issue_bulletin(number: int, document_number: str, day: date, person: Person, now: datetime) -> BulletinIssue:
    """Issue a bulletin that passed its review: made, kept on the shelf by digest, and signed.

    Raises:
        NotFound: no such draft.
        NotAllowed: not of the province.
        Conflict: not passed, issued already, the number is taken, or what it corrects was corrected meanwhile.
        InvalidRequest: no number, or a day before the figures' or to come.
        Unavailable: it cannot be set here.
    """
    draft = _lock(number, person)
    if hasattr(draft, "issue"):
        raise Conflict(f"第 {number} 号通报已经签发：{draft.issue.number}", code="bulletin.issued_already")
    review: BulletinReview | None = getattr(draft, "review", None)
    if review is None or not review.passed:
        raise Conflict(f"第 {number} 号通报还没有审核通过：不能签发", code="bulletin.not_passed")
    called = _text("文号", document_number, 60)
    if BulletinIssue.objects.filter(number=called).exists():
        raise Conflict(f"文号 {called} 已经用过：请换一个", code="bulletin.number_taken")
    if not draft.snapshot.day <= day <= now.astimezone(SHANGHAI).date():
        raise InvalidRequest(
            f"成文日期 {day} 须不早于快照的 {draft.snapshot.day}，不晚于今天", code="bulletin.day_wrong"
        )
    if draft.corrects:
        _check_standing(draft.corrects)
    if draft.kind != BulletinKind.OPENNESS:
        _issue_one_at_a_time()
    if draft.kind != BulletinKind.OPENNESS and not is_up_to_date(snapshot_of(draft)[0], draft.corrects):
        raise Conflict(
            f"第 {number} 号起草以后又签发了同类的数：不公布哪些要重新选，请重新起草", code="bulletin.figures_moved"
        )
    files = _make_files(draft, called, day)
    statement = canonical(
        {
            "kind": ISSUE_KIND, "bulletin": draft.pk, "number": called, "day": day.isoformat(),
            "snapshot_sha256": draft.snapshot.sha256, "files": files,
            "corrects": draft.corrects.number if draft.corrects else "", "reason": draft.reason,
            "drafted_by": draft.by.username, "reviewed_by": review.by.username, "issued_by": person.username,
            "issued_at": now.isoformat(),
        }
    )  # fmt: skip
    issue = BulletinIssue.objects.create(
        bulletin=draft, corrects=draft.corrects, number=called, day=day, files=files, statement=statement,
        signature=sign(issue_message(statement)), by=person, at=now,
    )  # fmt: skip
    if issue.corrects:
        tell_of_correction(issue, now)
    return issue


def _issue_one_at_a_time() -> None:
    """What is hidden was chosen with all that is out: nothing else goes out between the look and the issue."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('bulletins.figures', 0))")


def _make_files(draft: Bulletin, number: str, day: date) -> dict[str, str]:
    """The digest of each file. On the shelf before the row: content without a row is served by nobody."""
    now, before = snapshot_of(draft)
    imprint = BulletinImprint(draft.office, number, day, draft.period, tuple(draft.demands))
    made = make_bulletin(now, before, imprint, load_bulletin_template(draft.template) if draft.template else b"")
    return {name: bulletins_shelf().store(content) for name, content in sorted(made.items())}


def _issue_compared(kind: BulletinKind, snapshot: BulletinSnapshot) -> BulletinIssue | None:
    if kind != BulletinKind.OPENNESS:
        return issue_compared(asked_of(json.loads(snapshot.content)))
    issued = BulletinIssue.objects.filter(
        bulletin__kind=kind, bulletin__snapshot__day__lt=snapshot.day, corrected_by__isnull=True
    )
    return issued.order_by("-bulletin__snapshot__day", "-pk").first()


def _keep(kind: BulletinKind, frozen: dict[str, Any], now: datetime, kept_text: str) -> BulletinSnapshot:
    kept, _ = BulletinSnapshot.objects.get_or_create(
        sha256=frozen["sha256"],
        defaults={
            "kind": kind, "day": date.fromisoformat(frozen["day"]), "content": canonical(frozen), "kept": kept_text,
            "at": now,
        },
    )  # fmt: skip
    return kept


def _draft(
    kind: BulletinKind, snapshot: BulletinSnapshot, before: BulletinSnapshot | None, words: DraftedWords,
    person: Person, now: datetime, corrects: BulletinIssue | None = None, reason: str = "",
) -> Bulletin:  # fmt: skip
    demands = [text for one in words.demands if (text := " ".join(one.split()))]
    if not 1 <= len(demands) <= _MOST_DEMANDS or any(len(one) > 500 for one in demands):
        raise InvalidRequest(
            f"下一步工作要求：须有 1 至 {_MOST_DEMANDS} 段，每段至多 500 字", code="bulletin.demands_wrong"
        )
    office = _text("发文机关", words.office, 120)
    return Bulletin.objects.create(
        kind=kind, snapshot=snapshot, before=before, office=office, template=newest_bulletin_template(office, kind),
        period=_text("哪一期", words.period, 60), demands=demands, corrects=corrects, reason=reason, by=person, at=now,
    )  # fmt: skip


def _lock(number: int, person: Person) -> Bulletin:
    _check_province(person)
    Bulletin.objects.select_for_update().filter(pk=number).first()
    draft = list_bulletins().filter(pk=number).first()
    if draft is None:
        raise NotFound(f"没有第 {number} 号通报", code="bulletin.unknown")
    return draft


def _check_standing(old: BulletinIssue) -> None:
    newer: BulletinIssue | None = getattr(old, "corrected_by", None)
    if newer is not None:
        raise Conflict(f"{old.number} 已由 {newer.number} 更正：请更正新的一版", code="bulletin.corrected_already")


def _check_province(person: Person) -> None:
    if person.role != Role.PROVINCE:
        raise NotAllowed("通报由省专班起草、审核和签发", code="bulletin.for_the_province")


def _text(name: str, value: str, most: int) -> str:
    clean = " ".join(value.split())
    if not clean or len(clean) > most or not clean.isprintable():
        raise InvalidRequest(f"{name}：须为 1 至 {most} 个字", code="bulletin.text_wrong")
    return clean
