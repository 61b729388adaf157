"""Settlements asked of the background worker: one under way per policy and year, each with an end that is shown.

A worker may die at any moment. What it computed and the word that it is done are one transaction, so a request that is
taken up again finds either its run or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huisuan.base.db.background_work import (
    WORK_ATTEMPTS,
    WORK_UNDER_WAY,
    WorkKind,
    WorkProgress,
    finish_work,
)
from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import shortened
from huisuan.settlement.models import SettlementRequest
from huisuan.settlement.runs.queries import latest_runs
from huisuan.settlement.runs.settle import check_request, settle_year

MOST_ATTEMPTS = WORK_ATTEMPTS
LOST = f"后台进程 {MOST_ATTEMPTS} 次都在结算途中意外结束，不再自动重来：请看数据目录的 logs/worker.log，排除后重新提出"
_ASKING = 0x4855_4954  # key of the advisory lock


@dataclass(frozen=True)
class RequestResult:
    """The request that stands for a year, and whether it was made now."""

    request: SettlementRequest
    new: bool


def _what_stands(request: SettlementRequest) -> str:
    named = {"policy": request.policy, "sentence": request.rule}
    asked = {field: value for field, value in named.items() if value}
    run = latest_runs().filter(year=request.year, **asked).order_by("-pk").first()
    if run is None:
        return f"已取消，什么都没有写入：{request.year} 年还没有结算结果"
    return f"已取消，什么都没有写入：{request.year} 年仍以第 {run.pk} 次结算为准"


SETTLEMENTS = WorkKind(SettlementRequest, "settlement.settle_year", _what_stands, LOST)


def request_settlement(policy: str, year: int, by: str, now: datetime, rule: str = "") -> RequestResult:
    """Ask the worker to settle a year; while a request for it is under way, that one is the answer.

    Raises:
        InvalidRequest: no such policy or rule, one that the platform cannot settle, or a year that has not come.
    """
    check_request(policy, year, now, rule)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
        found = SettlementRequest.objects.filter(policy=policy, rule=rule, year=year, state__in=WORK_UNDER_WAY).first()
        if found is not None:
            return RequestResult(found, new=False)
        made = SettlementRequest.objects.create(policy=policy, rule=rule, year=year, requested_by=by, requested_at=now)
        SETTLEMENTS.hand_over(made)
    return RequestResult(made, new=True)


def parse_settled_year(text: str) -> int:
    """A year as a form sends it.

    Raises:
        InvalidRequest: it is not four digits.
    """
    if not (text.isascii() and text.isdecimal() and len(text) == 4):
        raise InvalidRequest(f"年份 {shortened(text, 20)} 不能结算：应是四位数字", code="settlement.year_malformed")
    return int(text)


def run_request(number: int, now: datetime) -> None:
    """Settle what a request asks for, and note its end; does nothing for one that has ended."""

    def do(request: SettlementRequest, progress: WorkProgress) -> None:
        with transaction.atomic():
            made = settle_year(
                request.year, now=now, by=request.requested_by, policy=request.policy, rule=request.rule,
                progress=progress,
            )  # fmt: skip
            finish_work(request, now, run=made[-1].run)

    SETTLEMENTS.carry_out(number, now, do)


def cancel_request(number: int, by: str, now: datetime) -> SettlementRequest:
    """Cancel a request: nothing of it is written then. One that has ended stays as it ended.

    Raises:
        NotFound: none of that number.
    """
    try:
        return SETTLEMENTS.cancel(number, by, now)
    except SettlementRequest.DoesNotExist:
        raise NotFound(f"没有提出过第 {number} 号结算", code="settlement.request_unknown") from None


def request_to_dict(request: SettlementRequest) -> dict[str, Any]:
    """A request as the API and `--json` give it."""
    return {
        "task": request.pk, "policy": request.policy, "rule": request.rule, "year": request.year,
        "state": request.state,
        "requested_by": request.requested_by, "requested_at": request.requested_at.astimezone(SHANGHAI).isoformat(),
        "ended_at": request.ended_at.astimezone(SHANGHAI).isoformat() if request.ended_at else None,
        "attempts": request.attempts, "reason": request.reason, "run": request.run_id,
        "step": request.step, "number": request.number, "steps": request.steps,
        "cancelled_by": request.cancelled_by,
    }  # fmt: skip
