"""A template of Word or WPS as it comes by a form and goes out as a file."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from huisuan.base.errors import InvalidRequest
from huisuan.documents.docx import DOCX_TYPE, LARGEST_TEMPLATE


def uploaded_template(request: HttpRequest) -> tuple[str, bytes]:
    """The name and content of the template in a form's `file`.

    Raises:
        InvalidRequest: there is none, or it is larger than a template may be.
    """
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise InvalidRequest("没有选文件，或文件是空的：请选一个 DOCX", code="file.missing")
    if file.size > LARGEST_TEMPLATE:
        raise InvalidRequest(f"模板超过 {LARGEST_TEMPLATE // 1_000_000} MB", code="document.template_too_large")
    return file.name or "", file.read()


def docx_answer(content: bytes, name: str) -> HttpResponse:
    """A DOCX to be kept as a file; nothing in it runs in the browser."""
    answer = HttpResponse(content, content_type=DOCX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
