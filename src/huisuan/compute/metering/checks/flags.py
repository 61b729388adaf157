"""What looked wrong in what was metered: raised once, kept with its line, closed only by an answer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.models import Centre, MeterFlag, PendingCorrection
from huisuan.messages.notify import notify
from huisuan.messages.recipients import people_of_operator, working_group

BY_THE_PLATFORM = "平台"


@transaction.atomic
def raise_flags(centre: Centre, anomalies: Iterable[Anomaly], now: datetime) -> None:
    """Keep what is new among them, and tell once a day and centre that something waits for an answer."""
    found = [
        MeterFlag(
            centre=centre,
            kind=anomaly.kind,
            key=anomaly.key[:200],
            text=anomaly.text,
            line=anomaly.line,
            sequence=anomaly.sequence,
            flagged_at=now,
        )
        for anomaly in anomalies
    ]
    if not found:
        return
    MeterFlag.objects.bulk_create(
        found,
        ignore_conflicts=True,
        batch_size=1000,
    )  # fmt: skip
    if MeterFlag.objects.filter(centre=centre, flagged_at=now, answered_at__isnull=True).exists():
        day = f"{now.astimezone(SHANGHAI):%Y-%m-%d}"
        to = (people_of_operator(centre.operator_id), working_group())
        values = {"centre": centre.code, "day": day}
        notify("flags_raised", values, to=to, key=f"flags:{centre.code}:{day}", now=now, link="/flags/?state=open")


def open_flags(centre: Centre) -> QuerySet[MeterFlag]:
    """What nobody has answered yet, the oldest first."""
    return MeterFlag.objects.filter(centre=centre, answered_at__isnull=True).order_by("flagged_at", "id")


def answer_flag(number: int, text: str, by: str, now: datetime) -> MeterFlag:
    """Close a flag with what was found out.

    Raises:
        NotFound: there is none.
        Conflict: it is answered already.
        InvalidRequest: the answer is empty.
    """
    flag = MeterFlag.objects.select_for_update().select_related("centre").filter(pk=number).first()
    if flag is None:
        raise NotFound(f"没有编号为 {number} 的疑点；用 huisuan meter flags 查看", code="flag.unknown")
    if flag.answered_at is not None:
        raise Conflict(f"疑点 {number} 已由 {flag.answered_by} 答复：{flag.answer}", code="flag.already_answered")
    if not text.strip():
        raise InvalidRequest("答复不能为空：请写明查到了什么、如何处理", code="flag.answer_empty")
    flag.answered_at, flag.answered_by, flag.answer = now, by[:80], text.strip()
    flag.save(update_fields=["answered_at", "answered_by", "answer"])
    return flag


def flag_to_dict(flag: MeterFlag) -> dict[str, Any]:
    """A flag as lists and JSON show it."""
    return {
        "id": flag.pk, "centre": flag.centre.code, "kind": flag.kind, "kind_zh": str(MeterFlag.Kind(flag.kind).label),
        "about": flag.key, "text": flag.text, "line": flag.line, "sequence": flag.sequence,
        "flagged_at": flag.flagged_at, "answered_at": flag.answered_at, "answered_by": flag.answered_by,
        "answer": flag.answer, "correction": _correction(flag),
    }  # fmt: skip


def _correction(flag: MeterFlag) -> dict[str, Any] | None:
    """The correction that waits with a flag, and the record that it became if it was accepted."""
    pending = PendingCorrection.objects.filter(flag=flag).first() if flag.kind == FlagKind.CORRECTION else None
    if pending is None:
        return None
    return {"supersedes": pending.supersedes, "applied": pending.applied, "record": pending.record}
