"""Where an entitlement stands, over HTTP: from the meter's seals to the claim."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from huisuan.base.months import SHANGHAI
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.claims import standing_with_claim
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import get_entitlement

router = Router(tags=["结算"])


@router.get(
    "/entitlements/{number}/standing",
    auth=Allow("user", "city", "province", "auditor", scope="read"),
    summary="一笔应享的状况：哪些用量已封账、由谁封，什么会改变它，申报到哪一步",
)
def show_standing(request: HttpRequest, number: str) -> dict[str, Any]:
    """How firm it is: sealed months and by whom, the run, what would change it, its claim."""
    try:
        owed = get_entitlement(viewer_of(request), int(number.upper().removeprefix("E")))
    except (ValueError, Entitlement.DoesNotExist):
        raise ApiRefusal(404, f"没有应享 {number}", code="entitlement.unknown") from None
    return standing_with_claim(owed, datetime.now(UTC).astimezone(SHANGHAI).date())
