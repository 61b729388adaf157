"""Comparisons asked of the background worker: one under way per proposal and year, each with an end that is shown."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction

from huisuan.base.db.background_work import (
    WORK_ATTEMPTS,
    WORK_UNDER_WAY,
    WorkKind,
    WorkProgress,
    WorkState,
    end_work,
)
from huisuan.base.errors import NotFound, Refused
from huisuan.settlement.impact.compare import comparable, compare_year
from huisuan.settlement.impact.settled_days import settled_reach
from huisuan.settlement.models import ComparisonRequest, SettingsProposal

COMPARISON_LOST = (
    f"后台进程 {WORK_ATTEMPTS} 次都在比较途中意外结束，不再自动重来：请看数据目录的 logs/worker.log，排除后重新提出"
)
_ASKING = 0x4855_4956  # key of the advisory lock


def _what_stands(_request: ComparisonRequest) -> str:
    return "已取消，什么都没有写入：以前的比较仍在"


COMPARISON_WORK = WorkKind(ComparisonRequest, "settlement.compare_year", _what_stands, COMPARISON_LOST)


def request_comparison(proposal: SettingsProposal, year: int, by: str, now: datetime) -> ComparisonRequest:
    """Ask the worker to compare a proposal over a year; while such a request is under way, that one is the answer.

    Raises:
        NotFound: the year is not settled.
        InvalidRequest: the proposal does not touch the sentence that is.
    """
    comparable(proposal, year, now)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
        same = ComparisonRequest.objects.filter(proposal=proposal, year=year)
        if found := same.filter(state__in=WORK_UNDER_WAY).first():
            return found
        made = ComparisonRequest.objects.create(proposal=proposal, year=year, requested_by=by[:80], requested_at=now)
        COMPARISON_WORK.hand_over(made)
    return made


def request_foreseen(proposal: SettingsProposal, by: str, now: datetime) -> None:
    """Ask the worker what a proposal changes in every settled year that it reaches into; what cannot be is left out."""
    for reach in settled_reach(proposal):
        with suppress(Refused):
            request_comparison(proposal, reach.run.year, by, now)


def run_comparison_request(number: int, now: datetime) -> None:
    """Compare what a request asks for, and note its end; does nothing for one that has ended."""

    def do(request: ComparisonRequest, progress: WorkProgress) -> None:
        with transaction.atomic():
            made = compare_year(request.proposal, request.year, request.requested_by, now, progress)
            end_work(request, WorkState.DONE, now, comparison=made)

    COMPARISON_WORK.carry_out(number, now, do)


def cancel_comparison_request(number: int, by: str, now: datetime) -> ComparisonRequest:
    """Cancel a comparison: nothing of it is written then. One that has ended stays as it ended.

    Raises:
        NotFound: none of that number.
    """
    try:
        return COMPARISON_WORK.cancel(number, by, now)
    except ComparisonRequest.DoesNotExist:
        raise NotFound(f"没有提出过第 {number} 号比较", code="comparison.request_unknown") from None
