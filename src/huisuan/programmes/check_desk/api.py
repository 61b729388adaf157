"""The flags of an application over HTTP: read and answered by those who handle it, never by who applies or checks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.check_desk.flag_answers import give_flag_answer, list_flags
from huisuan.programmes.people import find_person

router = Router(tags=["申报"])
_OFFICIALS = ("city", "province", "department", "treasury")


class FlagAnswerBody(Schema):
    """Why a flag stops nothing."""

    reason: str = Field(max_length=1000)


@router.get(
    "/applications/{number}/flags",
    auth=Allow(*_OFFICIALS, "auditor", scope="read"),
    summary="一件申报的疑点和答复",
)
def flags(request: HttpRequest, number: str) -> dict[str, Any]:
    """With what was seen where one may see the other application, too; never for who applies."""
    with status_by_kind():
        return {"flags": list_flags(viewer_of(request), number)}


@router.post(
    "/applications/{number}/flags/{flag}/answer",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="答复一个疑点：由核验人以外的人，写明理由",
)
def answer_flag(
    request: HttpRequest, number: str, flag: Annotated[int, Path(ge=1, le=10**15)], body: FlagAnswerBody
) -> dict[str, Any]:
    """All flags of the application afterwards; once they are answered it can move on."""
    viewer = viewer_of(request)
    with status_by_kind():
        give_flag_answer(number, flag, find_person(viewer.name), body.reason, datetime.now(UTC))
        return {"flags": list_flags(viewer, number)}
