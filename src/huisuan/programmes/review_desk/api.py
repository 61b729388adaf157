"""The decision sheet of a call over HTTP: read by those who rank, pay and look, frozen by a post that ranks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, show_sheet

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
