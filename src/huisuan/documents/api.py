"""Documents over HTTP: is it genuine and does it still hold, for anyone; lists and PDFs for those whom they concern."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from huisuan.documents.docx import DOCX_TYPE
from huisuan.documents.queries import document_to_dict, find_document, list_documents, load_docx, load_pdf
from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["公文"])
_MOST = 1000


@router.get("/documents/{code}", auth=None, summary="核验一份公文：谁签发、文件散列、是否仍有效")
def check_document(request: HttpRequest, code: str) -> dict[str, Any]:
    """Whether a document is genuine, and what has replaced it. Anyone may ask."""
    with status_by_kind():
        return document_to_dict(find_document(code))


@router.get("/documents", auth=Allow(scope="read"), summary="可以打开的公文，新的在前")
def documents(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Those addressed to one's own party and the public ones; offices and audit: all."""
    found = list_documents(viewer_of(request))
    return {"total": found.count(), "documents": [document_to_dict(each) for each in found[offset : offset + limit]]}


@router.get("/documents/{code}/docx", auth=Allow(scope="read"), summary="一份公文的 DOCX（发文单位有模板的）")
def document_docx(request: HttpRequest, code: str) -> HttpResponse:
    """The DOCX as it was issued, to be edited in Word or WPS; the PDF is the document."""
    with status_by_kind():
        document = find_document(code)
        content = load_docx(document, viewer_of(request))
    answer = HttpResponse(content, content_type=DOCX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{document.code}.docx"'
    return answer


@router.get("/documents/{code}/pdf", auth=Allow(scope="read"), summary="一份公文的 PDF")
def document_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """The PDF as it was issued."""
    with status_by_kind():
        document = find_document(code)
        content = load_pdf(document, viewer_of(request))
    answer = HttpResponse(content, content_type=PDF_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{document.code}.pdf"'
    return answer
