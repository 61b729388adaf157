"""What is known of centres, tariffs and usage. A superseded record shows nowhere but under its own name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)  # fmt: skip
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Least

from huisuan.base.errors import NotFound
from huisuan.compute.models import Centre, UsageRecord

BIGINT = BigIntegerField()


def current_usage(cursors: Mapping[str, int] | None = None) -> QuerySet[UsageRecord]:
    """Usage records that nothing supersedes, in order of centre and sequence.

    Args:
        cursors: centre code -> last sequence read: what was current then. A centre that is not named has none.

    Raises:
        NotFound: a centre that is named does not exist.
    """
    records = UsageRecord.objects.all()
    newer = UsageRecord.objects.filter(centre_id=OuterRef("centre_id"), supersedes=OuterRef("sequence"))
    if cursors is not None:
        ids = dict(Centre.objects.values_list("code", "pk"))
        unknown = sorted(set(cursors) - set(ids))
        if unknown:
            raise NotFound(f"没有智算中心 {'、'.join(unknown)}", code="centre.unknown")
        read = Q(sequence__lt=0)  # nothing, where no centre is named
        for code, last in cursors.items():
            read |= Q(centre_id=ids[code], sequence__lte=last)
        records, newer = records.filter(read), newer.filter(read)
    return records.filter(~Exists(newer)).order_by("centre_id", "sequence")


def of_jobs(job_ids: Collection[str]) -> Q:
    """Records of these jobs, as their schedulers call them: asked in two halves, each with an index."""
    return Q(supersedes__isnull=True, job_id__in=job_ids) | Q(supersedes__isnull=False, job_id__in=job_ids)


def overlapping(starts: datetime | Combinable, ends: datetime | Combinable) -> Q:
    """Records that hold cards in [starts, ends); one without length, if it lies within."""
    instant = Q(started_at=F("ended_at"), started_at__gte=starts, started_at__lt=ends)
    return Q(started_at__lt=ends, ended_at__gt=starts) | instant


def card_seconds_within(starts: datetime | Combinable, ends: datetime | Combinable) -> Case:
    """A record's card-seconds in [starts, ends), by the cumulative rule of `metering.slicing`."""
    begun, ended = _second(F("started_at")), _second(F("ended_at"))
    length = ended - begun
    held = length - F("suspended_seconds")
    to = Least(ended, _edge(ends)) - begun
    since = Greatest(begun, _edge(starts)) - begun
    cut = F("cards") * (held * to / length - held * since / length)  # bigint: the division leaves whole seconds
    return Case(When(started_at=F("ended_at"), then=Value(0, BIGINT)), default=cut, output_field=BIGINT)


def _edge(moment: datetime | Combinable) -> Value | Func:
    return Value(int(moment.timestamp()), BIGINT) if isinstance(moment, datetime) else _second(moment)


def _second(moment: Combinable) -> Func:
    return Func(moment, template="extract(epoch FROM %(expressions)s)::bigint", output_field=BIGINT)
