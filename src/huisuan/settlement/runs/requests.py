"""Settlements asked of the background worker: one under way per policy and year, each with an end that is shown.

A worker may die at any moment. What it computed and the word that it is done are one transaction, so a request that is
taken up again finds either its run or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.settlement.models import UNDER_WAY, RequestState, SettlementRequest, SettlementRun
from huisuan.settlement.runs.settle import check_request, settle

MOST_ATTEMPTS = 3
LOST = f"后台进程 {MOST_ATTEMPTS} 次都在结算途中意外结束，不再自动重来：请看数据目录的 logs/worker.log，排除后重新提出"
_BROKEN = "平台内部出错（{kind}）：请看数据目录的 logs/worker.log"
SETTLE_YEAR = "settlement.settle_year"  # the task of `settlement.tasks` that calls `carry_out`
_ASKING = 0x4855_4954  # key of the advisory lock


@dataclass(frozen=True)
class RequestResult:
    """The request that stands for a year, and whether it was made now."""

    request: SettlementRequest
    new: bool


def request_settlement(policy: str, year: int, by: str, now: datetime) -> RequestResult:
    """Ask the worker to settle a year; while a request for it is under way, that one is the answer.

    Raises:
        Refused: no such policy, or a year that has not come.
    """
    check_request(policy, year, now)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ASKING])
        found = SettlementRequest.objects.filter(policy=policy, year=year, state__in=UNDER_WAY).first()
        if found is not None:
            return RequestResult(found, new=False)
        made = SettlementRequest.objects.create(policy=policy, year=year, requested_by=by, requested_at=now)
        _hand_over(made)
    return RequestResult(made, new=True)


def run_request(number: int, now: datetime) -> None:
    """Settle what a request asks for, and note its end; does nothing for one that has ended."""
    with transaction.atomic():
        request = SettlementRequest.objects.select_for_update().get(pk=number)
        if request.state not in UNDER_WAY:
            return
        request.state, request.attempts = RequestState.RUNNING, request.attempts + 1
        request.save(update_fields=["state", "attempts"])
    try:
        with transaction.atomic():
            run = settle(request.policy, request.year, now=now, by=request.requested_by).run
            _end(request, RequestState.DONE, now, run=run)
    except Refused as refusal:
        _end(request, RequestState.FAILED, now, reason=str(refusal))
    except OperationalError:
        raise  # the database went away: `look_after` takes it up again
    except Exception as error:
        _end(request, RequestState.FAILED, now, reason=_BROKEN.format(kind=type(error).__name__))
        raise


def recover_requests(now: datetime) -> int:
    """Hand over anew the requests whose worker's job is gone, or end them with a reason; returns how many."""
    changed = 0
    for request in SettlementRequest.objects.filter(state__in=UNDER_WAY).order_by("pk"):
        with transaction.atomic():
            locked = SettlementRequest.objects.select_for_update().get(pk=request.pk)
            if locked.state not in UNDER_WAY or _is_alive(locked.task):
                continue
            if locked.attempts >= MOST_ATTEMPTS:
                _end(locked, RequestState.FAILED, now, reason=LOST)
            else:
                _hand_over(locked)
            changed += 1
    return changed


def request_to_dict(request: SettlementRequest) -> dict[str, Any]:
    """A request as the API and `--json` give it."""
    return {
        "task": request.pk, "policy": request.policy, "year": request.year, "state": request.state,
        "requested_by": request.requested_by, "requested_at": request.requested_at.astimezone(SHANGHAI).isoformat(),
        "ended_at": request.ended_at.astimezone(SHANGHAI).isoformat() if request.ended_at else None,
        "attempts": request.attempts, "reason": request.reason, "run": request.run_id,
    }  # fmt: skip


def _hand_over(request: SettlementRequest) -> None:
    """Give it to the worker, in the transaction of the caller."""
    task = app.configure_task(SETTLE_YEAR, allow_unknown=False)
    request.task, request.state = task.defer(request=request.pk), RequestState.QUEUED
    request.save(update_fields=["task", "state"])


def _is_alive(task: int | None) -> bool:
    return ProcrastinateJob.objects.filter(pk=task, status__in=("todo", "doing")).exists()


def _end(
    request: SettlementRequest,
    state: RequestState,
    now: datetime,
    *,
    reason: str = "",
    run: SettlementRun | None = None,
) -> None:
    """Note the end, unless another worker noted one before."""
    SettlementRequest.objects.filter(pk=request.pk, state__in=UNDER_WAY).update(
        state=state, ended_at=now, reason=reason, run=run
    )
