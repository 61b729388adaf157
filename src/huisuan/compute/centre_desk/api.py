"""A centre's desk over HTTP: new prices with their preview, the history of prices, the checklist before a seal."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from huisuan.base.months import Month
from huisuan.compute.centre_desk.seal_checklist import checklist_to_dict, seal_checklist
from huisuan.compute.centre_desk.tariff_preview import (
    MOST_PREVIEW_MONTHS,
    confirm_tariffs,
    preview_tariffs,
    preview_to_dict,
)
from huisuan.compute.centres.queries import list_tariff_changes, tariff_change_to_dict, tariff_to_dict
from huisuan.compute.centres.tariffs import HUGE_FEN, TariffPlan
from huisuan.compute.models import Centre
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["智算中心"])
_READERS = ("centre", "city", "province", "auditor")
_MOST = 1000
_Fen = Annotated[int, Field(ge=0, le=HUGE_FEN)]


class TariffRequest(Schema):
    """New prices of a centre, all of them or none. Without `seen` nothing is set: the answer is a preview."""

    prices: dict[str, _Fen] = Field(description="型号到每卡时多少分（整数）", max_length=100)
    valid_from: date
    valid_to: date | None = Field(None, description="至哪天（不含）；不写为一直有效")
    replace: bool = Field(False, description="使现行的价目止于 valid_from；起止日相同的，是更正它的价格")
    months: Annotated[int, Field(ge=1, le=MOST_PREVIEW_MONTHS, description="按最近几个月的用量预览")] = 3
    seen: str | None = Field(None, max_length=64, description="预览给的 seen：与预览时不同则 422，什么也不设")


class PayerOut(Schema):
    """What a firm pays for a model, in fen rounded half up; null: there is no price."""

    party: str
    party_name: str
    model: str
    card_seconds: int
    before_fen: int | None
    after_fen: int
    difference_fen: int


class TariffAnswer(Schema):
    """A preview (`set` empty), or the prices that were set."""

    seen: str
    since: date
    until: date
    changes: list[dict[str, Any]]
    payers: list[PayerOut] = Field(description="这段时间的用量若照样再来一次")
    past: list[PayerOut] = Field(description="新价目覆盖的日子里已有的用量：下次结算时会变的账单")
    jobs: list[dict[str, Any]] = Field(description="在中心、可能碰上新价的平台作业，至多 100 个")
    job_count: int
    ceilings: int = Field(description="等待调度、价格上限低于新价的作业")
    set: list[dict[str, Any]] = []


class TariffChangeOut(Schema):
    """One step in the life of a price: set, corrected or ended. The end day is not in it."""

    at: datetime
    step: str
    model: str
    fen_per_card_hour: int
    before_fen: int | None
    valid_from: date
    valid_to: date | None
    by: str


class ChecklistOut(Schema):
    """What stands before a centre's months are sealed; card-seconds are integers."""

    first: str
    last: str
    clear: bool
    card_seconds: int
    unclaimed_card_seconds: int
    open_flags: int
    flags: dict[str, int]
    flags_exact: bool
    silent_since: datetime | None
    unheard_days: list[date]
    last_file: datetime | None
    files_missing: bool
    running: int
    empty_days: list[date]
    uncounted: int
    months: list[dict[str, Any]]


@router.post(
    "/centres/{centre}/tariffs",
    response={200: TariffAnswer, 201: TariffAnswer},
    auth=Allow("centre", "province", scope="manage"),
    summary="定价：先预览谁付多少，再确认",
)
def set_prices(request: HttpRequest, centre: str, asked: TariffRequest) -> Status[dict[str, Any]]:
    """200: a preview, nothing is set. 201: with its `seen`, the prices are set exactly as they were previewed."""
    code, now = _visible(request, centre).code, datetime.now(UTC)
    prices = {model: str(fen) for model, fen in asked.prices.items()}
    plan = TariffPlan(prices, asked.valid_from, asked.valid_to, asked.replace)
    found = preview_to_dict(preview_tariffs(code, plan, asked.months, now))
    if asked.seen is None:
        return Status(200, found)
    made = confirm_tariffs(code, plan, asked.seen, viewer_of(request).name, now)
    return Status(201, {**found, "set": [tariff_to_dict(each) for each in made]})


@router.get(
    "/centres/{centre}/tariffs/history",
    response=list[TariffChangeOut],
    auth=Allow(*_READERS, scope="read"),
    summary="价目的改动",
)
def price_history(
    request: HttpRequest, centre: str, limit: Annotated[int, Query(ge=1, le=_MOST)] = 100
) -> list[dict[str, Any]]:
    """What was done to a centre's prices, the newest first."""
    changes = list_tariff_changes(_visible(request, centre).code)
    return [tariff_change_to_dict(change) for change in changes[:limit]]


@router.get(
    "/centres/{centre}/seal-checklist",
    response=ChecklistOut,
    auth=Allow(*_READERS, scope="read"),
    summary="封账前的核对",
)
def checklist(
    request: HttpRequest,
    centre: str,
    through: Annotated[str | None, Query(description="到哪个月，如 2024-03；不写为最近过完的月")] = None,
) -> dict[str, Any]:
    """What stands before the centre's next months are sealed; changes nothing."""
    month = Month.parse(through) if through else None
    return checklist_to_dict(seal_checklist(_visible(request, centre), month, datetime.now(UTC)))


def _visible(request: HttpRequest, code: str) -> Centre:
    found = Centre.objects.filter(viewer_of(request).centres(), code=code).first()
    if found is None:
        raise ApiRefusal(404, f"没有智算中心 {code}，或不是您能查看的", code="centre.unknown")
    return found
