"""Settlements, bills and entitlements over HTTP."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError

from huisuan.parties.gate import Allow, viewer_of
from huisuan.settlement import queries
from huisuan.settlement.models import Entitlement, SettlementRun
from huisuan.settlement.tasks import settle_year

router = Router(tags=["结算"])
READERS = ("user", "city", "province", "auditor")
MOST = 1000


class SettleRequest(Schema):
    """Which year to settle, under which policy (sentence 2.2)."""

    year: int
    policy: str = "anhui-agi-2023"


@router.get("/entitlements", auth=Allow(*READERS), summary="应享金额（分），最近一次结算")
def list_entitlements(
    request: HttpRequest, year: int | None = None, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The entitlements of the newest runs that the caller may see."""
    found = queries.entitlements(viewer_of(request))
    if year is not None:
        found = found.filter(run__year=year)
    first = max(offset, 0)
    return [queries.entitlement_json(owed) for owed in found[first : first + min(max(limit, 1), MOST)]]


@router.get("/entitlements/{number}", auth=Allow(*READERS), summary="一笔应享：金额与逐句理由")
def show_entitlement(request: HttpRequest, number: str) -> dict[str, Any]:
    """One entitlement with its explanation, computed anew."""
    owed = _entitlement(request, number)
    reading = queries.read_again(owed)
    return {**queries.entitlement_json(owed), "answer": reading.answer.as_json(), "agrees": reading.agrees}


@router.get("/entitlements/{number}/trace", auth=Allow(*READERS), summary="从应享追到原始行")
def trace_entitlement(request: HttpRequest, number: str, records: int = 3) -> dict[str, Any]:
    """One entitlement down to its raw lines, with every link checked."""
    return queries.trace(_entitlement(request, number), records_per_line=min(max(records, 0), 100))


@router.get("/bills", auth=Allow(*READERS, "centre"), summary="账单（分），最近一次结算")
def list_bills(
    request: HttpRequest, year: int | None = None, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """The bills of the newest runs that the caller may see."""
    found = queries.bills(viewer_of(request)).order_by("month", "party__uscc", "centre__code")
    if year is not None:
        found = found.filter(run__year=year)
    first = max(offset, 0)
    return [queries.bill_json(bill) for bill in found[first : first + min(max(limit, 1), MOST)]]


@router.get("/settlements", auth=Allow("province", "auditor"), summary="各次结算")
def list_settlements(request: HttpRequest) -> list[dict[str, Any]]:
    """All runs, newest first."""
    return [queries.run_json(run) for run in SettlementRun.objects.all()[:MOST]]


@router.post("/settlements", response={202: dict[str, int]}, auth=Allow("province"), summary="结算一年（后台进行）")
def settle(request: HttpRequest, wanted: SettleRequest) -> tuple[int, dict[str, int]]:
    """Hand a year to the background worker; its run appears under /settlements."""
    task = settle_year.defer(policy=wanted.policy, year=wanted.year, by=viewer_of(request).name)
    return 202, {"task": task}


def _entitlement(request: HttpRequest, number: str) -> Entitlement:
    try:
        return queries.entitlement(viewer_of(request), int(number.upper().removeprefix("E")))
    except (ValueError, Entitlement.DoesNotExist):
        raise HttpError(404, f"没有应享 {number}") from None
