"""Settlements, bills and entitlements over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.settlement.models import Entitlement, SettlementRequest, SettlementRun
from huisuan.settlement.runs import queries, requests, trace
from huisuan.settlement.todo.queries import TODO_ROLES, list_todo

router = Router(tags=["结算"])
_READERS = ("user", "city", "province", "auditor")
_MOST = 1000
MOST_DIGITS = 18  # of a number that the database has room for


class SettleRequest(Schema):
    """Which year to settle, under which policy and rule; none named: all in force that the platform can settle."""

    year: int
    policy: str = ""
    rule: str = ""


@router.get("/entitlements", auth=Allow(*_READERS, scope="read"), summary="应享金额（分），最近一次结算")
def list_entitlements(
    request: HttpRequest, year: int | None = None, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The entitlements of the newest runs that the caller may see."""
    found = queries.latest_entitlements(viewer_of(request))
    if year is not None:
        found = found.filter(run__year=year)
    first = max(offset, 0)
    return [queries.entitlement_to_dict(owed) for owed in found[first : first + min(max(limit, 1), _MOST)]]


@router.get("/entitlements/{number}", auth=Allow(*_READERS, scope="read"), summary="一笔应享：金额与逐句理由")
def show_entitlement(request: HttpRequest, number: str) -> dict[str, Any]:
    """One entitlement with its explanation, computed anew."""
    owed = _entitlement(request, number)
    reading = queries.recompute_entitlement(owed)
    return {**queries.entitlement_to_dict(owed), "answer": reading.answer.to_dict(), "agrees": reading.agrees}


@router.get("/entitlements/{number}/trace", auth=Allow(*_READERS, scope="read"), summary="从应享追到原始行")
def trace_entitlement(request: HttpRequest, number: str, records: int = 3) -> dict[str, Any]:
    """One entitlement down to its raw lines, with every link checked."""
    return trace.trace_entitlement(_entitlement(request, number), records_per_line=min(max(records, 0), 100))


@router.get("/bills", auth=Allow(*_READERS, "centre", scope="read"), summary="账单（分），最近一次结算")
def list_bills(
    request: HttpRequest, year: int | None = None, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The bills of the newest runs that the caller may see."""
    found = queries.latest_bills(viewer_of(request)).order_by("month", "party__uscc", "centre__code")
    if year is not None:
        found = found.filter(run__year=year)
    first = max(offset, 0)
    return [queries.bill_to_dict(bill) for bill in found[first : first + min(max(limit, 1), _MOST)]]


@router.get("/settlements", auth=Allow("province", "auditor", scope="read"), summary="各次结算")
def list_settlements(request: HttpRequest) -> list[dict[str, Any]]:
    """All runs, newest first."""
    return [queries.run_to_dict(run) for run in SettlementRun.objects.all()[:_MOST]]


@router.post(
    "/settlements",
    response={200: dict[str, Any], 202: dict[str, Any]},
    auth=Allow("province", scope="manage"),
    summary="结算一年（后台进行）",
)
def settle(request: HttpRequest, wanted: SettleRequest) -> tuple[int, dict[str, Any]]:
    """Hand a year to the background worker (202); while one is under way for it, that one is the answer (200)."""
    try:
        asked = requests.request_settlement(
            wanted.policy, wanted.year, viewer_of(request).name, datetime.now(UTC), wanted.rule
        )
    except Refused as refusal:
        raise ApiRefusal(400, str(refusal), code=refusal.code) from None
    return 202 if asked.new else 200, requests.request_to_dict(asked.request)


@router.get(
    "/settlements/requests", auth=Allow("province", "auditor", scope="read"), summary="提出的结算：状态与没有完成的原因"
)
def list_requests(request: HttpRequest) -> list[dict[str, Any]]:
    """What was asked of the background worker, newest first."""
    return [requests.request_to_dict(request) for request in SettlementRequest.objects.all()[:_MOST]]


@router.get("/settlements/requests/{number}", auth=Allow("province", "auditor", scope="read"), summary="提出的一次结算")
def show_request(request: HttpRequest, number: str) -> dict[str, Any]:
    """How one of them stands."""
    known = number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS
    found = SettlementRequest.objects.filter(pk=int(number)).first() if known else None
    if found is None:
        raise ApiRefusal(404, f"没有提出过第 {number} 号结算", code="settlement.request_unknown")
    return requests.request_to_dict(found)


@router.get("/todo", auth=Allow(*TODO_ROLES, scope="read"), summary="待办：什么在等，最晚哪天")
def show_todo(request: HttpRequest) -> list[dict[str, Any]]:
    """What waits where the caller looks; `yours` marks what the caller's role does."""
    viewer, now = viewer_of(request), datetime.now(UTC)
    return [item.to_dict(now.astimezone(SHANGHAI).date(), viewer.role) for item in list_todo(viewer, now)]


@router.post(
    "/settlements/requests/{number}/cancel",
    auth=Allow("province", scope="manage"),
    summary="取消一次后台结算：什么都不写入",
)
def cancel_settlement_request(request: HttpRequest, number: str) -> dict[str, Any]:
    """Cancel what waits at once, what runs before its next step; what has ended stays as it ended."""
    if not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
        raise ApiRefusal(404, f"没有提出过第 {number} 号结算", code="settlement.request_unknown")
    try:
        cancelled = requests.cancel_request(int(number), viewer_of(request).name, datetime.now(UTC))
    except Refused as refusal:
        raise ApiRefusal(404, str(refusal), code=refusal.code) from None
    return requests.request_to_dict(cancelled)


def _entitlement(request: HttpRequest, number: str) -> Entitlement:
    try:
        return queries.get_entitlement(viewer_of(request), int(number.upper().removeprefix("E")))
    except (ValueError, Entitlement.DoesNotExist):
        raise ApiRefusal(404, f"没有应享 {number}", code="entitlement.unknown") from None
