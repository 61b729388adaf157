"""The decision sheet of a call over HTTP: read by those who rank, pay and look, frozen by a post that ranks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, show_sheet
from huisuan.settlement.statements.workbook import XLSX_TYPE

router = Router(tags=["申报"])
_OFFICIALS = ("province", "department", "treasury")


@router.get("/calls/{number}/sheet", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="申报通知的决策表")
def sheet(request: HttpRequest, number: str) -> dict[str, Any]:
    """The frozen one; before that, what freezing it now would give."""
    with status_by_kind():
        return show_sheet(viewer_of(request), number).to_dict()


@router.post("/calls/{number}/sheet", auth=Allow(*_OFFICIALS, scope="submit"), summary="冻结决策表；此后以它为准")
def freeze(request: HttpRequest, number: str) -> dict[str, Any]:
    """Once: asked again it is the sheet that was frozen."""
    viewer = viewer_of(request)
    with status_by_kind():
        freeze_sheet(number, find_person(viewer.name), datetime.now(UTC))
        return show_sheet(viewer, number).to_dict()


@router.get("/calls/{number}/sheet.pdf", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="冻结的决策表，PDF")
def sheet_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """With the names of the applicants, tables as annexes; the same frozen sheet is the same bytes."""
    with status_by_kind():
        content = show_sheet(viewer_of(request), number).to_pdf()
    return _file(content, PDF_TYPE, f"decision-sheet-{number}.pdf")


@router.get("/calls/{number}/sheet.xlsx", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="决策表，XLSX")
def sheet_xlsx(request: HttpRequest, number: str) -> HttpResponse:
    """With the names of the applicants; before it is frozen, what freezing it now would give."""
    with status_by_kind():
        content = show_sheet(viewer_of(request), number).to_workbook()
    return _file(content, XLSX_TYPE, f"decision-sheet-{number}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
