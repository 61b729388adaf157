"""Months to seal, asked of the background worker: each month is a transaction of its own, one after the other.

Killed or cancelled in between, the months that are sealed stay sealed (a seal never changes) and the rest is as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from huisuan.base.db.background_work import WORK_ATTEMPTS, WORK_UNDER_WAY, WorkKind, WorkProgress
from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.metering.seals.seal_month import next_month_to_seal, seal_month
from huisuan.compute.models import Centre, Seal, SealRequest

LONGEST_REASON = 2000  # characters of a reason to seal despite open flags: it goes into the statement whole
SEALING_LOST = (
    f"后台进程 {WORK_ATTEMPTS} 次都在封账途中意外结束，不再自动重来：请看数据目录的 logs/worker.log，排除后重新提出"
)


def _what_stands(request: SealRequest) -> str:
    last = Seal.objects.filter(centre=request.centre_id, month__gte=request.first).order_by("-month").first()
    if last is None:
        return f"已取消：{Month.containing(request.first)} 起一个月也没有封"
    return f"已取消：封到了 {Month.containing(last.month)}，封过的不变，其余的没有动"


SEALINGS = WorkKind(SealRequest, "metering.seal_months", _what_stands, SEALING_LOST)


def request_seals(code: str, through: Month, by: str, now: datetime, despite: str = "") -> SealRequest:
    """Ask the worker to seal a centre's months from the next one through a month; one request at a time per centre.

    Raises:
        NotFound: no such centre.
        InvalidRequest: the month is not over, or the reason too long.
        Conflict: nothing to seal until then, or a request is under way.
    """
    if int(now.timestamp()) < through.ends:
        raise InvalidRequest(
            f"{through} 还没有过完，不能封账（现在是 {now.astimezone(SHANGHAI):%Y-%m-%d}）", code="month.not_over"
        )
    if len(despite.strip()) > LONGEST_REASON:
        raise InvalidRequest(
            f"尽管有疑点也封的理由有 {len(despite.strip()):,} 个字，最多 {LONGEST_REASON:,} 个：请写短些",
            code="seal.reason_too_long",
        )
    with transaction.atomic():
        centre = Centre.objects.select_for_update(no_key=True).get(pk=centre_by_code(code).pk)
        if SealRequest.objects.filter(centre=centre, state__in=WORK_UNDER_WAY).exists():
            raise Conflict(f"智算中心 {code} 正在封账，等它结束再提出", code="seal.under_way")
        first = next_month_to_seal(centre)
        if first is None or first > through:
            raise Conflict(f"智算中心 {code} 到 {through} 为止没有要封的月", code="seal.nothing_due")
        made = SealRequest.objects.create(
            centre=centre, first=first.first_day, last=through.first_day, despite=despite.strip(), requested_by=by[:80],
            requested_at=now,
        )  # fmt: skip
        SEALINGS.hand_over(made)
    return made


def run_seal_request(number: int, clock: Callable[[], datetime]) -> None:
    """Seal what a request asks for, month by month, each at the time that `clock` tells; nothing once it has ended."""

    def do(request: SealRequest, progress: WorkProgress) -> None:
        first, last = Month.containing(request.first), Month.containing(request.last)
        of = months_between(first, last)
        code = request.centre.code
        while (due := next_month_to_seal(request.centre)) is not None and due <= last:
            progress.begin_step(str(due), months_between(first, due), of)
            seal_month(code, due, by=request.requested_by, now=clock(), despite=request.despite)

    SEALINGS.carry_out(number, clock(), do)


def cancel_seal_request(number: int, by: str, now: datetime) -> SealRequest:
    """Cancel: the month under way is finished, the next is not begun.

    Raises:
        NotFound: none of that number.
    """
    try:
        return SEALINGS.cancel(number, by, now)
    except SealRequest.DoesNotExist:
        raise NotFound(f"没有提出过第 {number} 号封账", code="seal.request_unknown") from None


def months_between(first: Month, last: Month) -> int:
    """How many months there are from one through another."""
    return (last.year - first.year) * 12 + last.number - first.number + 1
