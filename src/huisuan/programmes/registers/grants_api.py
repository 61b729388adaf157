"""Grants of conditional data over HTTP: given by who provides it, accepted by the firm, revoked at any time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from huisuan.opendata.access.grants import GivenGrant, accept_grant, get_grant, revoke_grant, visible_grants
from huisuan.opendata.access.grants import grant_to_dict as shown
from huisuan.opendata.access.ledger import access_to_dict, broken_at
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.registers.data_grants import grant_data_access

router = Router(tags=["开放数据"])
_READERS = ("user", "city", "province", "auditor")
_PROVIDERS = ("city", "province")
_MOST = 1000


class GrantBody(Schema):
    """For which entry and firm, what for, how long, under which licence and terms; `application` if one was decided."""

    entry: str = Field(max_length=40)
    uscc: str = Field(max_length=18)
    purpose: str = Field(max_length=500)
    licence: str = Field(max_length=120)
    terms: str = Field(max_length=5000)
    starts_on: date
    ends_on: date
    application: str = Field("", max_length=40)


class RevocationBody(Schema):
    """Why it is revoked."""

    reason: str = Field(max_length=300)


@router.get("/opendata/grants", auth=Allow(*_READERS, scope="read"), summary="有条件开放数据的授权，新的在前")
def grants(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Of one's firm, of one's city's entries, or all."""
    rows, now = visible_grants(viewer_of(request)), timezone.now()
    return {"total": rows.count(), "grants": [shown(each, now) for each in rows[offset : offset + limit]]}


@router.post("/opendata/grants", auth=Allow(*_PROVIDERS, scope="submit"), summary="授权一家名录内的企业")
def give(request: HttpRequest, body: GrantBody) -> dict[str, Any]:
    """In force once the firm accepts its terms."""
    now = timezone.now()
    with status_by_kind():
        made = grant_data_access(GivenGrant(**body.dict(), ground=""), find_person(viewer_of(request).name), now)
    return shown(made, now)


@router.get("/opendata/grants/{number}", auth=Allow(*_READERS, scope="read"), summary="一项授权和它的台账")
def grant(
    request: HttpRequest,
    number: int,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """With the accesses, the newest first, and the first row of the ledger that does not follow, if there is one."""
    with status_by_kind():
        found = get_grant(viewer_of(request), number)
    rows = found.accesses.select_related("person", "release").order_by("-number")
    return {
        **shown(found, timezone.now()), "accesses": rows.count(), "broken_at": broken_at(found),
        "ledger": [access_to_dict(row) for row in rows[offset : offset + limit]],
    }  # fmt: skip


@router.post("/opendata/grants/{number}/acceptance", auth=Allow("user", scope="submit"), summary="接受一项授权的条款")
def acceptance(request: HttpRequest, number: int) -> dict[str, Any]:
    """What is accepted is signed by the platform."""
    now = timezone.now()
    with status_by_kind():
        return shown(accept_grant(number, find_person(viewer_of(request).name), now), now)


@router.post("/opendata/grants/{number}/revocation", auth=Allow(*_PROVIDERS, scope="submit"), summary="收回一项授权")
def revocation(request: HttpRequest, number: int, body: RevocationBody) -> dict[str, Any]:
    """Acts at once, on every way."""
    now = timezone.now()
    with status_by_kind():
        return shown(revoke_grant(number, body.reason, find_person(viewer_of(request).name), now), now)
