"""What is asked about documents: by anyone with a code, by those whom they concern, and the proof of all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from huisuan.base.content_store import ContentDamaged, ContentMissing
from huisuan.base.errors import InvalidRequest, NotFound, Unavailable
from huisuan.base.hashing import bytes_sha256
from huisuan.documents.docx import merge_docx
from huisuan.documents.fonts import embedded_families
from huisuan.documents.issuing import document_store, imprint_of
from huisuan.documents.letters import parse_letter
from huisuan.documents.models import CODE_FORM, PUBLIC_KINDS, Document, DocumentTemplate
from huisuan.documents.typesetting import NOT_SET, typeset, typesetter_and_layout
from huisuan.parties.viewer import Viewer

_CODE = re.compile(CODE_FORM)
_LOOSE = str.maketrans({" ": "", "-": "", "O": "0", "I": "1", "L": "1"})


def find_document(code: str) -> Document:
    """The document of a code, however it was typed (spaces, small letters, O for 0).

    Raises:
        NotFound: no document bears it.
    """
    signs = code[:40].upper().translate(_LOOSE)
    wanted = "-".join(signs[at : at + 4] for at in range(0, len(signs), 4))
    found = _with_names(Document.objects.filter(code=wanted)).first() if _CODE.fullmatch(wanted) else None
    if found is None:
        raise NotFound(
            f"没有核验码为“{code[:40]}”的公文：请对照纸面核对；仍查不到的，不是本平台发出的",
            code="document.code_unknown",
        )
    return found


def every_document() -> QuerySet[Document]:
    """All documents, the newest first, for whoever runs the platform."""
    return _with_names(Document.objects.all())


def is_same_file(document: Document, content: bytes) -> bool:
    """Whether a file is the very one that was issued, PDF or DOCX."""
    return bytes_sha256(content) in (document.sha256, document.docx_sha256)


def list_documents(viewer: Viewer | None) -> QuerySet[Document]:
    """The documents that a viewer may open: public ones, those of its party, those issued in its own name; or all."""
    every = every_document()
    if viewer is None:
        return every.filter(kind__in=PUBLIC_KINDS)
    if viewer.sees_everything:
        return every
    own = viewer.parties("party")
    return every.filter(Q(kind__in=PUBLIC_KINDS) | (own & Q(party__isnull=False)) | Q(issued_by__username=viewer.name))


def load_pdf(document: Document, viewer: Viewer | None) -> bytes:
    """The PDF as it was issued.

    Raises:
        NotFound: this viewer may not open it (and need not know why).
        Unavailable: see `read_pdf`.
    """
    if not list_documents(viewer).filter(pk=document.pk).exists():
        raise NotFound("这份公文不公开：收文单位、主管部门与审计登录后可以打开", code="document.not_public")
    return read_pdf(document)


def read_pdf(document: Document) -> bytes:
    """The PDF as it was issued, for whoever may have it.

    Raises:
        Unavailable: its file is lost or was changed.
    """
    return _load(document, document.sha256)


def _load(document: Document, sha256: str) -> bytes:
    try:
        return document_store().load(sha256)
    except (ContentMissing, ContentDamaged):
        raise Unavailable(
            f"{document.full_number} 的文件缺失或已损坏：请从备份恢复", code="document.file_damaged"
        ) from None


def load_docx(document: Document, viewer: Viewer | None) -> bytes:
    """The DOCX as it was issued, for whoever may open the PDF.

    Raises:
        NotFound: this viewer may not open it, or there is none.
        Unavailable: its file is lost or was changed.
    """
    if not list_documents(viewer).filter(pk=document.pk).exists():
        raise NotFound("这份公文不公开：收文单位、主管部门与审计登录后可以打开", code="document.not_public")
    return read_docx(document)


def read_docx(document: Document) -> bytes:
    """The DOCX as it was issued, for whoever may have it.

    Raises:
        NotFound: there is none.
        Unavailable: its file is lost or was changed.
    """
    if not document.docx_sha256:
        raise NotFound("这份公文没有 DOCX：签发时发文单位没有模板", code="document.no_docx_issued")
    return _load(document, document.docx_sha256)


@dataclass(frozen=True)
class DocumentFinding:
    """What is wrong with one document."""

    number: str
    code: str
    what: str


def check_documents() -> Iterator[DocumentFinding]:
    """Every file read anew, and every document set anew where this machine has its setter and its faces."""
    for document in _with_names(Document.objects.order_by("pk")).iterator(chunk_size=200):
        try:
            document_store().load(document.sha256)
            docx = document_store().load(document.docx_sha256) if document.docx_template else b""
            template = document_store().load(document.docx_template.sha256) if document.docx_template else b""
        except (ContentMissing, ContentDamaged) as error:
            what = "missing" if isinstance(error, ContentMissing) else "damaged"
            yield DocumentFinding(document.full_number, document.code, what)
            continue
        for what in _set_again(document, template, docx):
            yield DocumentFinding(document.full_number, document.code, what)


def _set_again(document: Document, template: bytes, docx: bytes) -> Iterator[str]:
    """What is wrong with a document that is set anew; each of its two files is tried, whatever the other is."""
    try:
        letter, imprint = parse_letter(document.letter), imprint_of(document)
        if docx and merge_docx(template, letter, imprint) != docx:
            yield "set_differently"
    except InvalidRequest:
        yield "not_set"
        return
    if document.setter != typesetter_and_layout():
        return
    try:
        again = typeset(letter, imprint)
    except Unavailable as refusal:
        if refusal.code != NOT_SET:
            raise
        yield "not_set"
        return
    if bytes_sha256(again) != document.sha256 and embedded_families(again) == document.fonts:
        yield "set_differently"


def document_to_dict(document: Document) -> dict[str, object]:
    """What everyone may know of a document: issued, by whom, its hash, and whether it still holds."""
    later, end = getattr(document, "replaced_by", None), getattr(document, "ended", None)
    return {
        "code": document.code, "number": document.full_number, "kind": document.kind, "title": document.title,
        "office": document.series.office, "issued_at": document.issued_at, "sha256": document.sha256,
        "fonts": document.fonts, "valid": later is None and end is None,
        "replaced_by": later.code if later else None, "ended": {"at": end.at, "why": end.why} if end else None,
        "replaces": document.replaces.code if document.replaces else None,
        "docx": {
            "sha256": document.docx_sha256, "template": document.docx_template.number,
            "template_sha256": document.docx_template.sha256,
        } if document.docx_template else None,
    }  # fmt: skip


def list_templates() -> QuerySet[DocumentTemplate]:
    """All templates, of each office and kind the newest first."""
    return DocumentTemplate.objects.select_related("uploaded_by")


def template_to_dict(template: DocumentTemplate) -> dict[str, object]:
    """A template as JSON carries it."""
    return {
        "office": template.office, "kind": template.kind, "number": template.number, "filename": template.filename,
        "sha256": template.sha256, "fields": template.fields, "by": template.uploaded_by.username,
        "at": template.uploaded_at,
    }  # fmt: skip


def _with_names(documents: QuerySet[Document]) -> QuerySet[Document]:
    return documents.select_related(
        "series", "party", "replaces__series", "replaced_by__series", "docx_template", "ended", "issued_by"
    )
