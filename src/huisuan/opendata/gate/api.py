"""The gate over HTTP: for people of cities and the province, each for the files of their city, or all.

No operation gives out what was uploaded, nor a product before its release.
"""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, File, Form, Query, Router, Schema, UploadedFile

from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import (
    gate_file_to_dict,
    get_file,
    list_findings,
    list_product_findings,
    visible_files,
)
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.rescanning import reopen_file
from huisuan.opendata.gate.uploading import upload_pieces
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["开放数据"])
_STEWARDS = ("city", "province")
_MOST = 1000


class JudgementBody(Schema):
    """What is done about a finding, or with `column` or `everywhere` about all of its kind there."""

    finding: int = Field(ge=1, le=10**9)
    action: str = Field(max_length=12, description="mask、generalise、drop 或 false_alarm")
    reason: str = Field("", max_length=300)
    column: bool = False
    everywhere: bool = False


class RemakeBody(Schema):
    """Which table; empty where there is but one."""

    part: str = Field("", max_length=300)


class FileReleaseBody(Schema):
    """Which older file of the same entry it takes the place of."""

    supersedes: int | None = Field(None, ge=1, le=10**15)


class FileReopeningBody(Schema):
    """Why it is judged again."""

    reason: str = Field("", max_length=300)


class FileWithdrawalBody(Schema):
    """Why it is taken back."""

    reason: str = Field(max_length=300)


@router.get("/opendata/files", auth=Allow(*_STEWARDS, scope="read"), summary="送交的文件，新的在前")
def files(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Of one's city, or all."""
    found = visible_files(viewer_of(request))
    return {"total": found.count(), "files": [gate_file_to_dict(each) for each in found[offset : offset + limit]]}


@router.post("/opendata/files", auth=Allow(*_STEWARDS, scope="submit"), summary="送交一个文件")
def upload(request: HttpRequest, file: File[UploadedFile], entry: Form[str], group: Form[str] = "") -> dict[str, Any]:
    """Sealed, and scanned in the background."""
    with status_by_kind():
        made = upload_pieces(
            entry, file.name or "file", file.chunks(), file.size or 0, _person(request), timezone.now(), group
        )
    return _file(request, made.pk)


@router.get("/opendata/files/{number}", auth=Allow(*_STEWARDS, scope="read"), summary="一个文件的状态和经过")
def data_file(request: HttpRequest, number: int) -> dict[str, Any]:
    """Where it stands, how far its scan is, who did what."""
    with status_by_kind():
        return _file(request, number)


@router.get("/opendata/files/{number}/findings", auth=Allow(*_STEWARDS, scope="read"), summary="一个文件里的发现")
def findings(
    request: HttpRequest,
    number: int,
    product: bool = False,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Place, masked excerpt and fingerprint; with `product` of what was made of it."""
    with status_by_kind():
        file = get_file(viewer_of(request), number)
    rows = list_product_findings(file) if product else list_findings(file)
    return {"total": len(rows), "findings": rows[offset : offset + limit]}


@router.post("/opendata/files/{number}/judgements", auth=Allow(*_STEWARDS, scope="submit"), summary="判断发现")
def judge(request: HttpRequest, number: int, body: JudgementBody) -> dict[str, Any]:
    """By somebody who did not upload it."""
    given = GivenJudgement(body.finding, body.action, body.reason, body.column, body.everywhere)
    with status_by_kind():
        judge_findings(number, given, _person(request), timezone.now())
        return _file(request, number)


@router.post("/opendata/files/{number}/remakes", auth=Allow(*_STEWARDS, scope="submit"), summary="按判断重制")
def remake(request: HttpRequest, number: int, body: RemakeBody) -> dict[str, Any]:
    """The product is scanned in the background."""
    with status_by_kind():
        remake_file(number, _person(request), timezone.now(), body.part)
        return _file(request, number)


@router.post("/opendata/files/{number}/release", auth=Allow(*_STEWARDS, scope="submit"), summary="放行一个文件")
def release(request: HttpRequest, number: int, body: FileReleaseBody) -> dict[str, Any]:
    """By a third person; each product with its signed statement."""
    with status_by_kind():
        made = release_file(number, _person(request), timezone.now(), body.supersedes)
        said = [{"format": one.product.format, "statement": one.statement, "signature": one.signature} for one in made]
        return {**_file(request, number), "releases": said}


@router.post(
    "/opendata/files/{number}/reopening", auth=Allow(*_STEWARDS, scope="submit"), summary="重新判断已中止提供的文件"
)
def reopening(request: HttpRequest, number: int, body: FileReopeningBody) -> dict[str, Any]:
    """What came in is read by current rules, in the background, and judged anew."""
    with status_by_kind():
        reopen_file(number, _person(request), timezone.now(), body.reason)
        return _file(request, number)


@router.post("/opendata/files/{number}/withdrawal", auth=Allow(*_STEWARDS, scope="submit"), summary="撤回已放行的文件")
def withdrawal(request: HttpRequest, number: int, body: FileWithdrawalBody) -> dict[str, Any]:
    """At once."""
    with status_by_kind():
        withdraw_file(number, body.reason, _person(request), timezone.now())
        return _file(request, number)


def _file(request: HttpRequest, number: int) -> dict[str, Any]:
    return gate_file_to_dict(get_file(viewer_of(request), number))


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)
