"""Calls over HTTP: anyone signed in reads them, posts publish them, applicants hand in their drafts under them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.calls.queries import (
    call_to_dict,
    describe_call,
    get_call,
    list_calls,
    list_submissions,
    submission_to_dict,
)
from huisuan.programmes.calls.services import CallTerms, amend_call, open_call
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow.queries import describe_application

router = Router(tags=["申报"])
_READERS = ("user", "city", "province", "auditor")
_APPLICANTS = ("user", "city")
_PUBLISHERS = ("city", "province", "department")
_MOST = 1000


class CallBody(Schema):
    """What a call announces; days count whole at Asia/Shanghai."""

    policy: str = Field(max_length=60)
    programme: str = Field(max_length=60)
    year: int = Field(ge=2000, le=2100, description="申报的年度")
    title: str = Field(max_length=120)
    first_day: date
    last_day: date
    line: int = Field(ge=1, le=10**15, description="预算编号")
    shortage: str = Field("pro_rata", max_length=12, description="pro_rata、first_come、rank")
    ties: list[str] = Field(default_factory=list, max_length=10)
    evidence: list[str] | None = Field(None, max_length=200, description="须附材料的事实；默认凡政策写明材料的")
    tasks: dict[str, str] = Field(default_factory=dict, description="榜单：编号到名称")
    object_kinds: list[str] = Field(default_factory=list, max_length=10, description="另须写明的申报对象")


class AmendmentBody(Schema):
    """What is published to a call; with a last day it is extended."""

    text: str = Field(max_length=2000)
    last_day: date | None = None


class ObjectBody(Schema):
    """An object that the claim is for."""

    kind: str = Field(max_length=20, description="contract、invoice、standard、project、voucher")
    code: str = Field(max_length=320)


class SubmissionBody(Schema):
    """Which draft is handed in, for which item of the call's list; objects are written into the draft before."""

    draft: int = Field(ge=1, le=10**15)
    task: str = Field("", max_length=40)
    objects: list[ObjectBody] | None = Field(None, max_length=500, description="申报对象；不写则按草稿")


@router.get("/calls", auth=Allow(*_READERS, scope="read"), summary="申报通知，新的在前")
def calls(
    request: HttpRequest,
    only_open: bool = False,
    policy: Annotated[str, Query(max_length=60)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """With the instants at which they open and close."""
    now = datetime.now(UTC)
    found = list_calls(now, only_open=only_open, policy=policy)
    return {"total": found.count(), "calls": [call_to_dict(call, now) for call in found[offset : offset + limit]]}


@router.post("/calls", auth=Allow(*_PUBLISHERS, scope="submit"), summary="发布申报通知")
def publish_call(request: HttpRequest, body: CallBody) -> dict[str, Any]:
    """By whoever holds a post to publish in an office of the programme."""
    now = datetime.now(UTC)
    with status_by_kind():
        call = open_call(CallTerms(**body.dict()), find_person(viewer_of(request).name), now)
    return describe_call(call, now)


@router.get("/calls/{number}", auth=Allow(*_READERS, scope="read"), summary="一份申报通知和它的更正")
def call(request: HttpRequest, number: str) -> dict[str, Any]:
    """All that was known before it opened."""
    with status_by_kind():
        return describe_call(get_call(number), datetime.now(UTC))


@router.post("/calls/{number}/amendments", auth=Allow(*_PUBLISHERS, scope="submit"), summary="公布更正，或延期")
def amend(request: HttpRequest, number: str, body: AmendmentBody) -> dict[str, Any]:
    """It is never shortened."""
    now = datetime.now(UTC)
    with status_by_kind():
        made = amend_call(number, body.text, find_person(viewer_of(request).name), now, last_day=body.last_day)
    return describe_call(made, now)


@router.get("/calls/{number}/missing", auth=Allow(*_APPLICANTS, scope="read"), summary="一份草稿按此通知还缺什么")
def missing(
    request: HttpRequest,
    number: str,
    draft: Annotated[int, Query(ge=1, le=10**15)],
    task: Annotated[str, Query(max_length=40)] = "",
) -> dict[str, Any]:
    """One list; empty, and the draft can be handed in."""
    person = find_person(viewer_of(request).name)
    with status_by_kind():
        found = list_missing(number, draft, person, datetime.now(UTC), task=task)
    return {"missing": [item.to_dict() for item in found]}


@router.post("/calls/{number}/submissions", auth=Allow(*_APPLICANTS, scope="submit"), summary="提交草稿")
def submit(request: HttpRequest, number: str, body: SubmissionBody) -> dict[str, Any]:
    """What counts is the platform's clock when the whole request has come; sent twice it is one application."""
    now = datetime.now(UTC)
    person = find_person(viewer_of(request).name)
    objects = None if body.objects is None else [each.dict() for each in body.objects]
    with status_by_kind():
        found = submit_draft(number, body.draft, person, now, task=body.task, objects=objects)
    return describe_application(found)


@router.get("/applications/{number}/submissions", auth=Allow(*_READERS, scope="read"), summary="申报的各次提交")
def submissions(request: HttpRequest, number: str) -> dict[str, Any]:
    """What was handed in, version by version, with the hashes of facts and files."""
    with status_by_kind():
        return {"submissions": [submission_to_dict(made) for made in list_submissions(viewer_of(request), number)]}
