"""Appeals over HTTP: cities make them, the province answers, each sees what is theirs."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from huisuan.bulletins.appeals.queries import appeal_standing, get_appeal, visible_appeals
from huisuan.bulletins.appeals.services import MadeAppeal, answer_appeal, make_appeal
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["通报"])
_READERS = ("city", "province", "auditor")
_MOST = 1000


class AppealBody(Schema):
    """Against which row of the bulletin, which criterion of it, and why."""

    region: str = Field(max_length=6, description="六位行政区划代码")
    office: str = Field("", max_length=120, description="部门；不写是市本身")
    criterion: str = Field("", max_length=40, description="项目的代码；不写是整个得分")
    text: str = Field(max_length=1000)


class AppealAnswerBody(Schema):
    """Whether it is upheld, and why."""

    upheld: bool
    text: str = Field(max_length=1000)


@router.get("/bulletins/appeals", auth=Allow(*_READERS, scope="read"), summary="异议，新的在前，和各自的答复期限")
def appeals(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Of one's city, or all."""
    found, now = visible_appeals(_person(request)), timezone.now()
    rows = [appeal_standing(one, now).to_dict() for one in found[offset : offset + limit]]
    return {"total": found.count(), "appeals": rows}


@router.post(
    "/bulletins/{number}/appeals", auth=Allow("city", "province", scope="submit"), summary="对通报里的得分提出异议"
)
def make(request: HttpRequest, number: int, body: AppealBody) -> dict[str, Any]:
    """Within the working days after the day on the bulletin."""
    now = timezone.now()
    with status_by_kind():
        return appeal_standing(make_appeal(number, MadeAppeal(**body.dict()), _person(request), now), now).to_dict()


@router.post("/bulletins/appeals/{number}/answer", auth=Allow("province", scope="submit"), summary="答复异议")
def answer(request: HttpRequest, number: int, body: AppealAnswerBody) -> dict[str, Any]:
    """One that is upheld is followed by a correction of the bulletin."""
    now, person = timezone.now(), _person(request)
    with status_by_kind():
        answer_appeal(number, body.upheld, body.text, person, now)
        return appeal_standing(get_appeal(person, number), now).to_dict()


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)
