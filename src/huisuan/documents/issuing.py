"""What issues documents: number, code, PDF and record in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from huisuan.base.content_store import ContentStore
from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.base.paths import home
from huisuan.documents.docx import merge_docx
from huisuan.documents.fonts import embedded_families
from huisuan.documents.letters import Letter, without_controls
from huisuan.documents.models import (
    Document,
    DocumentEnd,
    DocumentKind,
    DocumentSeries,
    DocumentTemplate,
    EndReason,
)
from huisuan.documents.typesetting import Imprint, typeset, typesetter_and_layout
from huisuan.parties.models import Party, Person

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is mistaken for another (Crockford's base 32)


@dataclass(frozen=True)
class About:
    """What a document is about: the key that its room has for it, the addressee, and which one it replaces."""

    subject: str = ""
    party: Party | None = None
    replaces: Document | None = None


def document_store() -> ContentStore:
    """Where the PDFs lie, by the SHA-256 of their content."""
    return ContentStore(home() / "documents")


@transaction.atomic
def issue_document(
    kind: DocumentKind, office: str, letter: Letter, by: Person, now: datetime, about: About = About()
) -> Document:
    """Number a letter, set it and keep it; nothing stays if it cannot be set.

    Raises:
        NotAllowed: a program issues, and no person.
        InvalidRequest: the office has no name, or one that no document can bear, or its template takes no such letter.
        Conflict: what it would replace was replaced before.
        Unavailable: it cannot be set here.
    """
    if by.machine or not by.is_active:
        raise NotAllowed("公文由在用的个人账号签发，程序账号不能签发", code="document.needs_a_person")
    letter = without_controls(letter)
    series = _series(office, now.astimezone(SHANGHAI).year)
    replaces = about.replaces
    if replaces is not None and Document.objects.filter(replaces=replaces).exists():
        raise Conflict(f"{replaces.full_number} 已被替代：请替代最新的一份", code="document.replaced_before")
    last = Document.objects.filter(series=series).order_by("-number").values_list("number", flat=True).first()
    code = "-".join("".join(secrets.choice(_SIGNS) for _ in range(4)) for _ in range(3))
    made = Document(
        series=series, number=(last or 0) + 1, code=code, kind=kind, subject=about.subject, party=about.party,
        letter=letter.to_dict(), address=_public_address(code), replaces=replaces, issued_by=by, issued_at=now,
        setter=typesetter_and_layout(),
    )  # fmt: skip
    pdf = typeset(letter, imprint_of(made))
    made.sha256, made.fonts = document_store().store(pdf), embedded_families(pdf)
    if template := newest_template(office, kind):
        docx = merge_docx(document_store().load(template.sha256), letter, imprint_of(made))
        made.docx_sha256, made.docx_template = document_store().store(docx), template
    made.save(force_insert=True)
    return made


def end_documents(subjects: Iterable[str], kinds: Iterable[DocumentKind], why: EndReason, at: datetime) -> None:
    """The documents of some kinds about some subjects hold no longer from an instant on; those that ended stay so."""
    standing = Document.objects.filter(
        subject__in=list(subjects), kind__in=list(kinds), replaced_by__isnull=True, ended__isnull=True
    )
    DocumentEnd.objects.bulk_create(
        [DocumentEnd(document=one, why=why, at=at) for one in standing], ignore_conflicts=True
    )


def imprint_of(document: Document) -> Imprint:
    """What stands on the pages of a document besides its letter."""
    return Imprint(
        office=document.series.office, number=document.full_number, code=document.code, address=document.address,
        issued_at=document.issued_at, replaces=document.replaces.full_number if document.replaces else "",
    )  # fmt: skip


def newest_template(office: str, kind: str) -> DocumentTemplate | None:
    """By what an office's documents of a kind are made as DOCX now; None: it has given no template."""
    return DocumentTemplate.objects.filter(office=office, kind=kind).order_by("number").last()


@transaction.atomic
def set_prefix(office: str, year: int, prefix: str) -> DocumentSeries:
    """Say under which prefix (发文机关代字) an office numbers in a year, before its first document of that year.

    Raises:
        InvalidRequest: no name, or too long.
        Conflict: the year's first document is out, or another office has the prefix.
    """
    _check_name(office, "发文机关", 80)
    _check_name(prefix, "机关代字", 30)
    found = DocumentSeries.objects.filter(office=office, year=year).first()
    if found is not None and found.prefix != prefix:
        raise Conflict(f"{office} {year} 年已用“{found.prefix}”编号，当年不能改", code="document.prefix_in_use")
    if found is None:
        _check_free(prefix, year)
        found = DocumentSeries.objects.create(office=office, year=year, prefix=prefix)
    return found


def _series(office: str, year: int) -> DocumentSeries:
    """The office's numbers of the year, held; the first of a year goes on under the prefix of the year before."""
    _check_name(office, "发文机关", 80)
    found = DocumentSeries.objects.select_for_update().filter(office=office, year=year).first()
    if found is not None:
        return found
    before = DocumentSeries.objects.filter(office=office, year__lt=year).order_by("-year").first()
    prefix = before.prefix if before else office[:30]
    _check_free(prefix, year)
    made, _ = DocumentSeries.objects.get_or_create(office=office, year=year, defaults={"prefix": prefix})
    return DocumentSeries.objects.select_for_update().get(pk=made.pk)


def _check_free(prefix: str, year: int) -> None:
    other = DocumentSeries.objects.filter(prefix=prefix, year=year).first()
    if other is not None:
        raise Conflict(f"{year} 年“{prefix}”是 {other.office} 的代字：请另定", code="document.prefix_taken")


def _check_name(name: str, what: str, most: int) -> None:
    if not name.strip() or name != name.strip() or len(name) > most or not name.isprintable():
        raise InvalidRequest(f"{what}“{name}”：应是 1 到 {most} 字、不带控制字符的名称", code="document.name_malformed")


def _public_address(code: str) -> str:
    return f"{settings.PUBLIC_ADDRESS.rstrip('/')}{reverse('document', args=[code])}"
