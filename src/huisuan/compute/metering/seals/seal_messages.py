"""Telling of seals: that a month is sealed, to its centre, its city, the province and who used it; that one is due."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q

from huisuan.base.months import Month
from huisuan.compute.models import Centre, Seal, UsageRecord
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import people_of_city, people_of_firm, people_of_operator, working_group


def tell_sealed(seal: Seal, before: Seal | None, now: datetime) -> None:
    """Tell of a seal in its transaction; `before` is the one before it."""
    centre, month = seal.centre, str(Month.containing(seal.month))
    key, page = f"seal:{centre.code}:{month}", f"/seals/{centre.code}/{month}"
    readers = (people_of_operator(centre.operator_id), people_of_city(centre.region_id), working_group())
    notices = [
        Notice("month_sealed", {"centre": centre.code, "month": month, "records": seal.records}, readers, key, page)
    ]
    sealed = UsageRecord.objects.filter(centre=centre, sequence__lte=seal.last_sequence, ended_at__lte=_end(seal))
    if before is not None:
        sealed = sealed.filter(Q(sequence__gt=before.last_sequence) | Q(ended_at__gt=_end(before)))
    parties = sealed.filter(party__people__is_active=True).order_by().values_list("party_id", flat=True).distinct()
    if users := tuple(people_of_firm(party) for party in parties if party is not None):
        values = {"centre": centre.code, "month": month}
        notices.append(Notice("month_sealed_for_user", values, users, f"{key}:user", f"/usage/?centre={centre.code}"))
    notify_all(notices, now)


def _end(seal: Seal) -> datetime:
    return datetime.fromtimestamp(Month.containing(seal.month).ends, UTC)


@transaction.atomic
def tell_due(centre: Centre, month: Month, now: datetime) -> None:
    """Tell once that a month of a centre waits to be sealed."""
    to = (people_of_operator(centre.operator_id), working_group())
    values = {"centre": centre.code, "month": str(month)}
    notify_all(
        [Notice("seal_due", values, to, f"seal-due:{centre.code}:{month}", f"/seals/{centre.code}/{month}")], now
    )
