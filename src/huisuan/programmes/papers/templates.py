"""Templates of an office, by which its documents of a kind are made as DOCX too."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
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
    if by.machine or not posts_in_force(by, now.astimezone(SHANGHAI).date()).filter(office__name=office).exists():
        raise NotAllowed(f"{office}的模板由它当天在任的岗位上传", code="paper.no_post_in_force")
    accepted = check_evidence(filename, content)
    if accepted.media_type != DOCX_TYPE:
        raise InvalidRequest(f"{accepted.filename}：模板须是 DOCX", code="document.template_unreadable")
    fields = read_template_fields(content)
    Office.objects.select_for_update(no_key=True).get(name=office)  # two who add at once are numbered one by one
    last = DocumentTemplate.objects.filter(office=office, kind=kind).order_by("number").last()
    if last is not None and last.sha256 == bytes_sha256(content):
        raise Conflict(f"这就是在用的模板（第 {last.number} 版）", code="document.template_in_use")
    return DocumentTemplate.objects.create(
        office=office, kind=kind, number=last.number + 1 if last else 1, filename=accepted.filename,
        sha256=document_store().store(content), fields=list(fields), uploaded_by=by, uploaded_at=now,
    )  # fmt: skip
