"""Templates of bulletins: checked, kept, found, filled in to look at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from huisuan.base.content_store import ContentDamaged, ContentMissing
from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.base.hashing import bytes_sha256
from huisuan.bulletins.issuing.docx_template import merge_bulletin_sample, read_bulletin_fields
from huisuan.bulletins.issuing.shelf import bulletins_shelf
from huisuan.bulletins.models import BulletinKind, BulletinTemplate
from huisuan.documents.docx import DOCX_TYPE
from huisuan.parties.models import Person, Role
from huisuan.programmes.applications.evidence_files import check_evidence


@transaction.atomic
def add_bulletin_template(
    kind: str, office: str, filename: str, content: bytes, by: Person, now: datetime
) -> BulletinTemplate:  # fmt: skip
    """Keep a template; what is drafted of that office and kind from now on has its DOCX made by it.

    Raises:
        InvalidRequest: no such kind, no office, no DOCX, something that runs or links to the outside, fields that no
            bulletin has, or it lacks those that each must bear.
        NotAllowed: not of the province.
        Conflict: it is the one that is used already.
    """
    if by.role != Role.PROVINCE or by.machine:
        raise NotAllowed("通报的模板由省专班上传", code="bulletin.template_for_the_province")
    if kind not in BulletinKind.values:
        raise InvalidRequest("通报的内容：请从列出的里选一种", code="bulletin.kind_unknown")
    called = " ".join(office.split())
    if not called or len(called) > 120 or not called.isprintable():
        raise InvalidRequest("发文机关：须为 1 至 120 个字", code="bulletin.text_wrong")
    name, fields = check_bulletin_template(filename, content)
    with connection.cursor() as cursor:  # two uploads at once are two versions
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('bulletins.docx_templates', 0))")
    last = newest_bulletin_template(called, kind)
    if last is not None and last.sha256 == bytes_sha256(content):
        raise Conflict(f"这就是在用的模板（第 {last.number} 版）", code="document.template_in_use")
    return BulletinTemplate.objects.create(
        office=called, kind=kind, number=last.number + 1 if last else 1, filename=name,
        sha256=bulletins_shelf().store(content), fields=list(fields), by=by, at=now,
    )  # fmt: skip


def check_bulletin_template(filename: str, content: bytes) -> tuple[str, tuple[str, ...]]:
    """Its name as it is kept and its merge fields; nothing is kept.

    Raises:
        InvalidRequest: see `add_bulletin_template`.
    """
    accepted = check_evidence(filename, content)
    if accepted.media_type != DOCX_TYPE:
        raise InvalidRequest(f"{accepted.filename}：模板须是 DOCX", code="document.template_unreadable")
    fields = read_bulletin_fields(content)
    merge_bulletin_sample(content)
    return accepted.filename, fields


def newest_bulletin_template(office: str, kind: str) -> BulletinTemplate | None:
    """By what an office's bulletins of a kind are made as DOCX now; None: it has given none."""
    return BulletinTemplate.objects.filter(office=office, kind=kind).order_by("number").last()


def list_bulletin_templates() -> QuerySet[BulletinTemplate]:
    """All of them, of each office and kind the newest first."""
    return BulletinTemplate.objects.select_related("by")


def get_bulletin_template(number: int) -> tuple[BulletinTemplate, bytes]:
    """A template of the record by its id, and its content.

    Raises:
        NotFound: none.
        Unavailable: its file is lost or was changed.
    """
    found = BulletinTemplate.objects.filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有模板 {number}", code="document.no_template")
    return found, load_bulletin_template(found)


def load_bulletin_template(template: BulletinTemplate) -> bytes:
    """Its content.

    Raises:
        Unavailable: its file is lost or was changed.
    """
    try:
        return bulletins_shelf().load(template.sha256)
    except (ContentMissing, ContentDamaged):
        raise Unavailable(f"模板 {template} 的文件缺失或已损坏：请从备份恢复", code="document.file_damaged") from None


def state_bulletin_template(template: BulletinTemplate) -> dict[str, Any]:
    """As a command says it."""
    return {
        "template": template.pk, "office": template.office, "kind": template.kind, "number": template.number,
        "filename": template.filename, "sha256": template.sha256, "fields": template.fields,
        "by": template.by.username, "at": template.at,
    }  # fmt: skip
