"""Notices over HTTP: anybody reads them and objects; posts publish, and others than who handled it answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from ninja import Field, File, Form, Query, Router, Schema, UploadedFile

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.identity.client_address import client_place
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.models.limits import LARGEST_BYTES, MOST_OBJECTION_FILES
from huisuan.programmes.notices.answering import answer_objection
from huisuan.programmes.notices.objecting import ObjectionText, object_to_line
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.notices.queries import (
    describe_notice,
    follow_objection,
    get_notice,
    get_objection,
    list_notices,
    notice_to_dict,
    objections_to_dict,
    visible_objections,
)
from huisuan.programmes.people import find_person
from huisuan.programmes.publicity.ends import notice_ends

router = Router(tags=["公示"])
_OFFICIALS = ("city", "province", "department")
_MOST = 1000


class ListedBody(Schema):
    """One line: which application, and what the platform does not know by itself."""

    application: str = Field(max_length=16)
    amount_fen: int | None = Field(None, ge=0, le=10**15, description="拟支持的金额（分）；平台核算的不写")
    reason: str = Field("", max_length=1000, description="默认是政策的语句")


class NoticeBody(Schema):
    """What is to stand in public."""

    title: str = Field("", max_length=120)
    lines: list[ListedBody] = Field(min_length=1, max_length=10_000)


class ObjectionForm(Schema):
    """Who objects and why; name and contact are kept from the public."""

    name: str = Field(max_length=80)
    contact: str = Field(max_length=120)
    facts: str = Field(max_length=5000)


class AnswerBody(Schema):
    """What becomes of an objection, and why."""

    upheld: bool
    text: str = Field(max_length=1000)


@router.get("/notices", auth=None, summary="公示，新的在前")
def notices(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """With the instants at which they end, where that is known. Anyone may ask."""
    now, end_of, found = datetime.now(UTC), notice_ends(), list_notices()
    rows = found[offset : offset + limit]
    return {"total": found.count(), "notices": [notice_to_dict(one, end_of(one), now) for one in rows]}


@router.get("/notices/{number}", auth=None, summary="一份公示和它的名单")
def notice(
    request: HttpRequest,
    number: str,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
) -> dict[str, Any]:
    """Some of its `total` lines with reasons and amounts; of objections only that there are some. Anyone may ask."""
    with status_by_kind():
        return describe_notice(get_notice(number), datetime.now(UTC), offset=offset, limit=limit)


@router.post("/notices", auth=Allow(*_OFFICIALS, scope="submit"), summary="公示一批申报，以令牌本人的名义")
def publish(request: HttpRequest, body: NoticeBody) -> dict[str, Any]:
    """All of them or none."""
    now = datetime.now(UTC)
    listed = [ListedApplication(one.application, one.amount_fen, one.reason) for one in body.lines]
    with status_by_kind():
        return describe_notice(publish_notice(listed, body.title, find_person(viewer_of(request).name), now), now)


@router.post("/notices/{number}/lines/{position}/objections", auth=None, summary="对名单中的一项提异议")
def object_(
    request: HttpRequest,
    number: str,
    position: int,
    form: Form[ObjectionForm],
    files: File[list[UploadedFile]] = [],  # noqa: B006  # Ninja reads it, nothing writes to it
) -> dict[str, Any]:
    """What it is followed by: its code. Anyone may object, until the notice ends; many from one place are held up."""
    now = datetime.now(UTC)
    sent = [(file.name or "", file.read(LARGEST_BYTES + 1)) for file in files[: MOST_OBJECTION_FILES + 1]]
    said = ObjectionText(form.name, form.contact, form.facts, sent)
    with status_by_kind():
        return follow_objection(object_to_line(number, position, said, now, place=objector_place(request)).code)


@router.get("/objections/{code}", auth=None, summary="凭查询码看异议的答复")
def objection(request: HttpRequest, code: str) -> dict[str, Any]:
    """What became of it; no name, no contact. Whoever has the code may ask."""
    with status_by_kind():
        return follow_objection(code)


@router.get("/objections", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="本单位公示的异议")
def objections(
    request: HttpRequest,
    waiting: bool = False,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """With name and contact, for whoever publishes in the office today; audit reads all."""
    now = datetime.now(UTC)
    found = visible_objections(viewer_of(request), now)
    found = found.filter(answer__isnull=True) if waiting else found
    return {"total": found.count(), "objections": objections_to_dict(found[offset : offset + limit], now)}


@router.post("/objections/{number}/answer", auth=Allow(*_OFFICIALS, scope="submit"), summary="答复异议")
def answer(request: HttpRequest, number: int, body: AnswerBody) -> dict[str, Any]:
    """By somebody who has not handled that application; upheld, it goes back to be checked."""
    now, viewer = datetime.now(UTC), viewer_of(request)
    with status_by_kind():
        answer_objection(number, body.text, find_person(viewer.name), now, upheld=body.upheld)
        return objections_to_dict([get_objection(viewer, number, now)], now)[0]


def objector_place(request: HttpRequest) -> str:
    """A keyed digest of where a request came from: enough to hold up floods, not to find anybody."""
    return salted_hmac("huisuan.programmes.notices", client_place(request).address, algorithm="sha256").hexdigest()
