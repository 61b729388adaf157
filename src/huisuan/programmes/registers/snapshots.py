"""What a register came to on the last day of a period, frozen with its digest: what a bulletin prints stays so.

A correction never changes a figure that was frozen: it is frozen again, under the next number and with a reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.law.procedure import HOLDERS, FieldKind, RegisterSpec
from huisuan.parties.models import Person
from huisuan.programmes.models import FrozenRegister, RegisterVersion
from huisuan.programmes.registers.keepers import check_freezes
from huisuan.programmes.registers.queries import public_fields, standing_versions
from huisuan.programmes.registers.services import get_register

_PERIOD = re.compile(r"^(20[0-9]{2})(?:Q([1-4]))?$")


def last_day_of(period: str) -> date:
    """The last day of a year ("2024") or a quarter ("2024Q2").

    Raises:
        InvalidRequest: it is neither.
    """
    found = _PERIOD.match(period)
    if found is None:
        raise InvalidRequest(
            f'期间 "{period[:20]}" 写法不对；请写年份或季度，如 2024 或 2024Q2', code="register.period_malformed"
        )
    year, month = int(found[1]), int(found[2] or 4) * 3
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def count_register(spec: RegisterSpec, versions: Sequence[RegisterVersion]) -> list[dict[str, Any]]:
    """By region, holder and choices how many entries there are and what their counts and amounts come to."""
    numbers = [one.key for one in spec.fields if one.kind in (FieldKind.COUNT, FieldKind.YUAN)]
    words = [one.key for one in spec.fields if one.kind is FieldKind.CHOICE or one.key in spec.counted_by]
    distinct = any(feed.figure == HOLDERS for feed in spec.feeds)
    holders: dict[tuple[Any, ...], set[int | None]] = {}
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for row in versions:
        key = (row.region_id or "", *(row.values.get(each) or "" for each in words))
        sums = found.setdefault(key, Counter())
        sums["entries"] += 1
        holders.setdefault(key, set()).add(row.holder_id)
        sums.update({each: int(row.values.get(each) or 0) for each in numbers})
    return [
        {
            **dict(zip(("region", *words), key, strict=True)), "entries": sums["entries"],
            **({HOLDERS: len(holders[key] - {None})} if distinct else {}), **{n: sums[n] for n in numbers},
        }
        for key, sums in sorted(found.items())
    ]  # fmt: skip


@transaction.atomic
def freeze_register(
    policy: str, key: str, period: str, *, by: Person, now: datetime, reason: str = ""
) -> FrozenRegister:
    """Freeze what is on a register on the last day of a period; the same figures again are the snapshot that stands.

    Raises:
        NotFound: no such register.
        NotAllowed: the person has no post in the office that keeps it.
        InvalidRequest: a malformed period, one that is not over yet, or other figures than before without a reason.
    """
    spec = get_register(policy, key)
    check_freezes(load_policy(policy), spec, by, now)
    day = last_day_of(period)
    if day >= now.astimezone(SHANGHAI).date():
        raise InvalidRequest(f"{period} 还没有结束（{day}）；期满后再固定", code="register.period_running")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"freeze {policy} {key} {period}"])
    content = {"on": day.isoformat(), "rows": count_register(spec, _counted(policy, spec, period, day))}
    digest = text_sha256(json.dumps(content, ensure_ascii=False, sort_keys=True))
    before = latest_snapshot(policy, key, period)
    if before is not None and before.digest == digest:
        return before
    if before is not None and not reason.strip():
        raise InvalidRequest(f"{period} 的数字与已固定的不同：再固定须写理由", code="register.snapshot_reason_missing")
    return FrozenRegister.objects.create(
        policy=policy, register=key, period=period, number=before.number + 1 if before else 1, on_day=day,
        content=content, digest=digest, reason=reason.strip() if before else "", by=by, at=now,
    )  # fmt: skip


def _counted(policy: str, spec: RegisterSpec, period: str, day: date) -> Sequence[RegisterVersion]:
    """What a period's figures count: what was on the register on its last day, or the events of its days."""
    if not spec.counted_when:
        return on_register(policy, spec.key, day)
    first = date(day.year, day.month - 2 if "Q" in period else 1, 1)
    rows = standing_versions(policy, spec.key).filter(ended=False).order_by("entry__code")
    return [row for row in rows if str(first) <= str(row.values.get(spec.counted_when) or "") <= str(day)]


def on_register(policy: str, key: str, day: date) -> Sequence[RegisterVersion]:
    """What stands now of the entries that were on a register on a day, by code."""
    return list(standing_versions(policy, key, day).order_by("entry__code"))


def latest_snapshot(policy: str, key: str, period: str) -> FrozenRegister | None:
    """The one that stands for a period; None: it was not frozen."""
    rows = FrozenRegister.objects.filter(policy=policy, register=key, period=period)
    return rows.order_by("-number").first()


def get_snapshot(policy: str, key: str, period: str) -> Mapping[str, Any]:
    """Its content with number, digest and day: what a bulletin reads.

    Raises:
        NotFound: the period was not frozen.
    """
    found = latest_snapshot(policy, key, period)
    if found is None:
        raise NotFound(f"名录 {key} 在 {period} 还没有固定的数字", code="register.no_snapshot")
    return snapshot_to_dict(found)


def snapshot_to_dict(snapshot: FrozenRegister) -> dict[str, Any]:
    """As JSON carries it; amounts in fen."""
    return {
        "period": snapshot.period, "number": snapshot.number, "on": snapshot.on_day, "sha256": snapshot.digest,
        "reason": snapshot.reason, "at": snapshot.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "rows": snapshot.content["rows"],
    }  # fmt: skip


def public_snapshot(spec: RegisterSpec, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What of a snapshot anyone may see: how many entries there are, and what their public counts and amounts come to.

    A city may have one vendor alone, then its sum is that vendor's turnover. Where anything is left out, `sha256` is of
    what is shown: the digest of the whole would say of any guess whether it is right.
    """
    shown = {one.key for one in public_fields(spec)}
    words = {"region", *(one.key for one in spec.fields if one.kind is FieldKind.CHOICE), *spec.counted_by}
    hidden = {HOLDERS, *(one.key for one in spec.fields)} - shown
    if not any(hidden & row.keys() for row in snapshot["rows"]):
        return dict(snapshot)
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for row in snapshot["rows"]:
        kept = {key: value for key, value in row.items() if key not in hidden}
        said = tuple((key, value) for key, value in kept.items() if key in words)
        found.setdefault(said, Counter()).update({key: value for key, value in kept.items() if key not in words})
    rows = [{**dict(said), **sums} for said, sums in found.items()]
    content = json.dumps({"on": str(snapshot["on"]), "rows": rows}, ensure_ascii=False, sort_keys=True)
    return {**snapshot, "rows": rows, "sha256": text_sha256(content)}
