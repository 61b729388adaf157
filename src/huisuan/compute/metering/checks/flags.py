"""What looked wrong in what was metered: raised once, kept with its line, closed only by an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import distinct_key
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.models import Centre, MeterFlag, PendingCorrection
from huisuan.messages.notify import notify
from huisuan.messages.recipients import people_of_operator, working_group

BY_THE_PLATFORM = "平台"
_About = tuple[str, str]  # kind and key of a flag
_LONGEST_KEY = 200
_KEYS_AT_ONCE = 10_000


@transaction.atomic
def raise_flags(centre: Centre, anomalies: Iterable[Anomaly], now: datetime) -> None:
    """Keep what is new among them, and tell once a day and centre that something waits for an answer."""
    found: dict[_About, Anomaly] = {}
    for anomaly in anomalies:
        found.setdefault((anomaly.kind.value, distinct_key(anomaly.key, _LONGEST_KEY)), anomaly)
    if not found:
        return
    last = _last_flags(centre, [key for _, key in found])
    MeterFlag.objects.bulk_create(
        (
            MeterFlag(
                centre=centre, kind=kind, key=key, occasion=occasion, size=anomaly.size, text=anomaly.text,
                line=anomaly.line, sequence=anomaly.sequence, flagged_at=now,
            )
            for (kind, key), anomaly in found.items()
            if (occasion := _occasion(anomaly, last.get((kind, key))))
        ),
        ignore_conflicts=True,
        batch_size=1000,
    )  # fmt: skip
    if MeterFlag.objects.filter(centre=centre, flagged_at=now, answered_at__isnull=True).exists():
        day = f"{now.astimezone(SHANGHAI):%Y-%m-%d}"
        to = (people_of_operator(centre.operator_id), working_group())
        values = {"centre": centre.code, "day": day}
        notify("flags_raised", values, to=to, key=f"flags:{centre.code}:{day}", now=now, link="/flags/?state=open")


def _last_flags(centre: Centre, keys: Sequence[str]) -> dict[_About, MeterFlag]:
    """The latest flag about each of these."""
    flags: dict[_About, MeterFlag] = {}
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        rows = MeterFlag.objects.filter(centre=centre, key__in=keys[first : first + _KEYS_AT_ONCE])
        rows = rows.only("kind", "key", "occasion", "size", "answered_at", "answered_by")
        flags |= {(flag.kind, flag.key): flag for flag in rows.order_by("occasion")}
    return flags


def _occasion(anomaly: Anomaly, last: MeterFlag | None) -> int:
    """Of which occasion a flag is to be raised; 0: none, for the last one says it."""
    if last is None:
        return 1
    if last.answered_at is None:
        return 0
    larger = anomaly.size is not None and last.size is not None and anomaly.size > last.size
    again = anomaly.recurs or larger or last.answered_by == BY_THE_PLATFORM
    return last.occasion + 1 if again else 0


def answered_for_good(centre: Centre) -> QuerySet[MeterFlag]:
    """What a person answered: it is raised no more as it is. What the platform answered may come back."""
    return MeterFlag.objects.filter(centre=centre, answered_at__isnull=False).exclude(answered_by=BY_THE_PLATFORM)


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
