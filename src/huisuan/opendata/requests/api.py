"""Requests for data over HTTP: firms ask, cities and the province answer, each sees what is theirs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from huisuan.opendata.requests.queries import RequestJudge, count_by_office, get_request, list_terms, visible_requests
from huisuan.opendata.requests.services import AskedData, GivenAnswer, answer_request, request_data, set_answer_term
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["开放数据"])
_READERS = ("user", "city", "province", "auditor")
_MOST = 1000


class DataRequestBody(Schema):
    """What is asked for, and of whom."""

    title: str = Field(max_length=120)
    purpose: str = Field(max_length=1000)
    department: str = Field(max_length=120)
    region: str = Field(max_length=6, description="六位行政区划代码")


class RequestAnswerBody(Schema):
    """One of: `entry`; `access` with `ground` and `text`; `plan` with `text`."""

    entry: str = Field("", max_length=32, description="目录代码")
    access: str = Field("", max_length=20, description="conditional 或 closed")
    ground: str = Field("", max_length=300)
    text: str = Field("", max_length=500)
    plan: date | None = Field(None, description="计划何日列入")


class AnswerTermBody(Schema):
    """Within how many working days, from when on, by which document."""

    working_days: int = Field(ge=1, le=60)
    valid_from: date
    authority: str = Field(max_length=300)


@router.get("/opendata/requests", auth=Allow(*_READERS, scope="read"), summary="数据需求，新的在前，和各自的答复期限")
def requests(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Of one's firm, of one's city, or all."""
    found, judge = visible_requests(viewer_of(request)), RequestJudge(timezone.now())
    rows = [judge.standing(asked).to_dict() for asked in found[offset : offset + limit]]
    return {"total": found.count(), "requests": rows}


@router.post("/opendata/requests", auth=Allow("user", scope="submit"), summary="提出清单里没有的数据需求")
def ask_for_data(request: HttpRequest, body: DataRequestBody) -> dict[str, Any]:
    """By a firm; the term of the day holds."""
    now = timezone.now()
    with status_by_kind():
        made = request_data(AskedData(**body.dict()), _person(request), now)
    return _standing(request, made.pk)


@router.get("/opendata/requests/{number}", auth=Allow(*_READERS, scope="read"), summary="一项数据需求和它的答复")
def data_request(request: HttpRequest, number: int) -> dict[str, Any]:
    """With until when it is to be answered."""
    with status_by_kind():
        return _standing(request, number)


@router.post("/opendata/requests/{number}/answers", auth=Allow("city", "province", scope="submit"), summary="答复需求")
def answer(request: HttpRequest, number: int, body: RequestAnswerBody) -> dict[str, Any]:
    """An entry, a class with its ground, or a plan with a day."""
    with status_by_kind():
        answer_request(number, GivenAnswer(**body.dict()), _person(request), timezone.now())
        return _standing(request, number)


@router.get("/opendata/offices", auth=Allow("city", "province", "auditor", scope="read"), summary="各部门的答复情况")
def offices(request: HttpRequest) -> dict[str, Any]:
    """What is overdue counts against the department that was asked."""
    return {"offices": count_by_office(viewer_of(request), timezone.now())}


@router.get("/opendata/answer-terms", auth=Allow(*_READERS, scope="read"), summary="答复的期限：工作日，自何日起")
def answer_terms(request: HttpRequest) -> dict[str, Any]:
    """All that were ever set."""
    return {"terms": list_terms()}


@router.post("/opendata/answer-terms", auth=Allow("province", scope="manage"), summary="定答复的期限")
def set_term(request: HttpRequest, body: AnswerTermBody) -> dict[str, Any]:
    """For requests from a day on."""
    with status_by_kind():
        set_answer_term(
            body.working_days, body.valid_from, body.authority, viewer_of(request).name, timezone.now()
        )  # fmt: skip
    return {"terms": list_terms()}


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)


def _standing(request: HttpRequest, number: int) -> dict[str, Any]:
    return RequestJudge(timezone.now()).standing(get_request(viewer_of(request), number)).to_dict()
