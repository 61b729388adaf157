"""Struck issuers over HTTP: who issued which file, who is struck, what rests on it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.struck.issuers import parse_issuer_code, record_issuer
from huisuan.programmes.struck.lifting import lift_strike
from huisuan.programmes.struck.striking import list_struck, strike_issuer

router = Router(tags=["申报"])
_OFFICIALS = ("city", "province", "department")


class IssuerBody(Schema):
    """Who issued a file, and when where that is known."""

    issuer: str = Field(max_length=40)
    issued_on: date | None = None


class StrikeBody(Schema):
    """An issuer whose reports count no more from a day on."""

    uscc: str = Field(max_length=40)
    name: str = Field(max_length=200)
    since: date
    source: str = Field(max_length=300)
    reason: str = Field(max_length=1000)


@router.get(
    "/struck",
    auth=Allow(*_OFFICIALS, "treasury", "auditor", scope="read"),
    summary="依据失去资格机构材料的申报，各在哪一步，拟怎么办",
)
def struck(request: HttpRequest, issuer: Annotated[str, Query(max_length=40)] = "") -> dict[str, Any]:
    """Those that one may see; `issuer`: of one code."""
    with status_by_kind():
        found = list_struck(viewer_of(request), issuer.strip().upper())
    return {"applications": [one.to_dict() for one in found]}


@router.post("/struck", auth=Allow(*_OFFICIALS, scope="submit"), summary="登记失去资格的出具机构")
def strike(request: HttpRequest, body: StrikeBody) -> dict[str, Any]:
    """Whatever rests on its reports is flagged."""
    with status_by_kind():
        code = parse_issuer_code(body.uscc)
        strike_issuer(
            code, body.name, body.since, body.source, body.reason, find_person(viewer_of(request).name),
            datetime.now(UTC),
        )  # fmt: skip
    return struck(request, code)


class LiftBody(Schema):
    """The strike, by issuer and day, and why it is taken back."""

    uscc: str = Field(max_length=40)
    since: date
    reason: str = Field(max_length=1000)


@router.post(
    "/struck/lift", auth=Allow("province", "department", scope="submit"), summary="撤销失去资格的登记，由另一人"
)
def lift(request: HttpRequest, body: LiftBody) -> dict[str, Any]:
    """Nothing rests on it any more."""
    with status_by_kind():
        code = parse_issuer_code(body.uscc)
        lift_strike(code, body.since, body.reason, find_person(viewer_of(request).name), datetime.now(UTC))
    return struck(request, code)


@router.post(
    "/applications/{number}/evidence/{sha256}/issuer",
    auth=Allow(*_OFFICIALS, "treasury", scope="submit"),
    summary="登记一份材料由谁、哪天出具，一次",
)
def issuer(request: HttpRequest, number: str, sha256: str, body: IssuerBody) -> dict[str, Any]:
    """By whoever checks the application."""
    with status_by_kind():
        made = record_issuer(
            number, sha256, body.issuer, body.issued_on, find_person(viewer_of(request).name), datetime.now(UTC)
        )
    return {"number": number, "sha256": made.sha256, "issuer": made.uscc}
