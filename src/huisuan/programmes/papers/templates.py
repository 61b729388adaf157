"""Templates of an office, by which its documents of a kind are made as DOCX too."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.content_store import ContentDamaged, ContentMissing
from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.documents.docx import DOCX_TYPE, read_template_fields
from huisuan.documents.issuing import document_store
from huisuan.documents.models import DocumentKind, DocumentTemplate
from huisuan.parties.models import Person
from huisuan.programmes.applications.evidence_files import check_evidence
from huisuan.programmes.models import Office
from huisuan.programmes.offices import posts_in_force


@transaction.atomic
def add_template(kind: str, office: str, filename: str, content: bytes, by: Person, now: datetime) -> DocumentTemplate:
    """Keep a template; what the office issues of that kind from now on is made by it, until it adds the next.

    Raises:
        InvalidRequest: no such kind, no DOCX, something in it that runs or links to the outside, fields nobody knows
            (which), or it lacks those that each document must bear.
        NotAllowed: not by somebody with a post in that office today.
        Conflict: it is the one that is used already.
    """
    if kind not in DocumentKind.values:
        raise InvalidRequest(f"没有公文种类 {kind}：可用 {'、'.join(DocumentKind.values)}", code="paper.kind_unknown")
    if by.machine or office not in offices_of(by, now):
        raise NotAllowed(f"{office}的模板由它当天在任的岗位上传", code="paper.no_post_in_force")
    name, fields = check_template(filename, content)
    Office.objects.select_for_update(no_key=True).get(name=office)  # two who add at once are numbered one by one
    last = DocumentTemplate.objects.filter(office=office, kind=kind).order_by("number").last()
    if last is not None and last.sha256 == bytes_sha256(content):
        raise Conflict(f"这就是在用的模板（第 {last.number} 版）", code="document.template_in_use")
    return DocumentTemplate.objects.create(
        office=office, kind=kind, number=last.number + 1 if last else 1, filename=name,
        sha256=document_store().store(content), fields=list(fields), uploaded_by=by, uploaded_at=now,
    )  # fmt: skip


def check_template(filename: str, content: bytes) -> tuple[str, tuple[str, ...]]:
    """Its name as it is kept and its merge fields; nothing is kept.

    Raises:
        InvalidRequest: see `add_template`.
    """
    accepted = check_evidence(filename, content)
    if accepted.media_type != DOCX_TYPE:
        raise InvalidRequest(f"{accepted.filename}：模板须是 DOCX", code="document.template_unreadable")
    return accepted.filename, read_template_fields(content)


def offices_of(person: Person, now: datetime) -> list[str]:
    """The offices in which a person holds a post today: whose templates it may give."""
    held = posts_in_force(person, now.astimezone(SHANGHAI).date())
    return sorted(set(held.values_list("office__name", flat=True)))


def load_template(number: int) -> tuple[DocumentTemplate, bytes]:
    """A template of the record by its id, and its content.

    Raises:
        NotFound: none.
        Unavailable: its file is lost or was changed.
    """
    found = DocumentTemplate.objects.filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有模板 {number}", code="document.no_template")
    try:
        return found, document_store().load(found.sha256)
    except (ContentMissing, ContentDamaged):
        raise Unavailable(f"模板 {found} 的文件缺失或已损坏：请从备份恢复", code="document.file_damaged") from None
