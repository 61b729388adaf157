"""Registers over HTTP: anyone reads them; whoever keeps one brings it up to date."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import File, Form, Query, Router, UploadedFile

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Role
from huisuan.parties.route_access import Allow, viewer_if_any, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.registers.matching import give_matches
from huisuan.programmes.registers.queries import (
    get_version,
    list_registers,
    list_versions,
    register_to_dict,
    standing_versions,
    version_to_dict,
)
from huisuan.programmes.registers.services import get_register, import_register
from huisuan.programmes.registers.snapshots import get_snapshot, public_snapshot

router = Router(tags=["名录"])
_KEEPERS = ("province", "department", "city", "treasury")
_SEE_ALL = (Role.PROVINCE, Role.DEPARTMENT, Role.TREASURY, Role.AUDITOR)
_MOST = 1000


@router.get("/registers", auth=None, summary="有哪些名录，各有哪些栏目，由谁维护")
def registers(request: HttpRequest) -> list[dict[str, Any]]:
    """Those of every policy."""
    return [register_to_dict(policy, spec) for policy, spec in list_registers()]


@router.get("/registers/{policy}/{key}", auth=None, summary="名录现有的各件")
def entries(
    request: HttpRequest,
    policy: str,
    key: str,
    on: date | None = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """By code; with `on` only what is on it that day."""
    with status_by_kind():
        spec = get_register(policy, key)
    rows = standing_versions(policy, key, on).order_by("entry__code")
    return {
        "total": rows.count(),
        "entries": [version_to_dict(spec, row) for row in rows[offset : offset + limit]],
    }


@router.get("/registers/{policy}/{key}/{path:code}", auth=None, summary="名录里的一件，和它的历次登记")
def entry(request: HttpRequest, policy: str, key: str, code: str) -> dict[str, Any]:
    """The version that stands, and all of them."""
    with status_by_kind():
        spec = get_register(policy, key)
        found = get_version(policy, key, code)
    return {**version_to_dict(spec, found), "versions": [version_to_dict(spec, each) for each in list_versions(found)]}


@router.get("/register-figures/{policy}/{key}/{period}", auth=None, summary="名录一期固定的数字，带校验值")
def figures(request: HttpRequest, policy: str, key: str, period: str) -> dict[str, Any]:
    """Of a year or quarter, as last frozen; what a bulletin prints. What is not public only officials of the province
    see (signed in, or with a token), no city another's: else it is left out, and the digest is of what is shown."""
    viewer = viewer_if_any(request)
    with status_by_kind():
        spec, found = get_register(policy, key), get_snapshot(policy, key, period)
    return dict(found) if viewer is not None and viewer.role in _SEE_ALL else public_snapshot(spec, found)


@router.post("/registers/{policy}/{key}", auth=Allow(*_KEEPERS, scope="manage"), summary="从 CSV 或 XLSX 更新名录")
def bring_up_to_date(
    request: HttpRequest, policy: str, key: str, file: File[UploadedFile], reason: Form[str] = ""
) -> dict[str, Any]:
    """Good rows are kept, each bad cell is named; needs a post of the office that keeps the register."""
    with status_by_kind():
        person = find_person(viewer_of(request).name)
        report = import_register(
            file.read(), file.name or "upload", policy, key, by=person, now=datetime.now(UTC), reason=reason
        )
    return report.as_json()


@router.post("/register-matches/{policy}/{key}", auth=Allow("province", "department", "city", scope="submit"),
             summary="把名录上可供的和另一名录上所需的对接起来")  # fmt: skip
def match_register(request: HttpRequest, policy: str, key: str) -> dict[str, Any]:
    """How many matches are new; by a post of the office that keeps the register."""
    with status_by_kind():
        report = give_matches(policy, key, by=find_person(viewer_of(request).name), now=datetime.now(UTC))
    return report.as_json()
