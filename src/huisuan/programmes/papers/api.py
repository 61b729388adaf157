"""Documents of what is on record over HTTP: issued by a post of the office that signs; the templates of offices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, File, Form, Router, Schema, UploadedFile

from huisuan.base.errors import InvalidRequest
from huisuan.documents.docx import DOCX_TYPE, LARGEST_TEMPLATE, merge_sample
from huisuan.documents.queries import document_to_dict, list_templates, template_to_dict
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.papers.issuing import issue_from_record
from huisuan.programmes.papers.templates import add_template, check_template, load_template
from huisuan.programmes.people import find_person

router = Router(tags=["公文"])
_ISSUERS = ("city", "province", "department", "treasury")


class PaperBody(Schema):
    """Which document of which thing."""

    kind: str = Field(max_length=12, description="同 huisuan document draw")
    number: str = Field(max_length=80, description="申报通知、公示、申报或送银行文件的编号")


@router.post("/papers", auth=Allow(*_ISSUERS, scope="submit"), summary="按记录签发一份公文；再签发的替代前一份")
def issue_paper(request: HttpRequest, body: PaperBody) -> dict[str, Any]:
    """What the record says, signed by a post of the office that is in force today."""
    with status_by_kind():
        made = issue_from_record(body.kind, body.number, find_person(viewer_of(request).name), datetime.now(UTC))
    return document_to_dict(made)


@router.get("/document-templates", auth=Allow(*_ISSUERS, "auditor", scope="read"), summary="各单位的公文模板，新版在前")
def templates(request: HttpRequest) -> dict[str, Any]:
    """With all their versions."""
    return {"templates": [template_to_dict(one) | {"id": one.pk} for one in list_templates()]}


@router.post("/document-templates", auth=Allow(*_ISSUERS, scope="submit"), summary="上传公文模板（DOCX）")
def give_template(request: HttpRequest, file: File[UploadedFile], kind: Form[str], office: Form[str]) -> dict[str, Any]:
    """What the office issues of that kind from now on is DOCX too."""
    person = find_person(viewer_of(request).name)
    with status_by_kind():
        made = add_template(kind, office, file.name or "", _read(file), person, datetime.now(UTC))
    return template_to_dict(made) | {"id": made.pk}


@router.post("/document-templates/check", auth=Allow(*_ISSUERS, scope="read"), summary="检查一个模板，不收下")
def try_template(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """Its fields, or why it is refused."""
    with status_by_kind():
        name, fields = check_template(file.name or "", _read(file))
    return {"filename": name, "fields": list(fields)}


@router.get(
    "/document-templates/{number}/sample",
    auth=Allow(*_ISSUERS, "auditor", scope="read"),
    summary="一个模板的样张（DOCX）",
)
def sample(request: HttpRequest, number: int) -> HttpResponse:
    """Filled in with a letter that nobody sent."""
    with status_by_kind():
        found, content = load_template(number)
    answer = HttpResponse(merge_sample(content), content_type=DOCX_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="sample-{found.kind}-{found.number}.docx"'
    return answer


def _read(file: UploadedFile) -> bytes:
    if (file.size or 0) > LARGEST_TEMPLATE:
        raise InvalidRequest(f"模板超过 {LARGEST_TEMPLATE // 1_000_000} MB", code="document.template_too_large")
    return bytes(file.read())
