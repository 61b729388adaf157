"""What came to the ledger after a run read it, as far as the run's days know of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.compute.metering.usage.records import overlapping
from huisuan.compute.models import Centre, UsageRecord
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.inputs import start_of_day


def records_since(run: SettlementRun, until: Mapping[str, int] | None = None) -> QuerySet[UsageRecord]:
    """Records of the run's days that it has not read, `until` a record of each centre (its code) if that is given."""
    return _came(run, until).filter(within_run(run)).order_by()


def corrections_since(run: SettlementRun, until: Mapping[str, int] | None = None) -> QuerySet[UsageRecord]:
    """Records that the run has not read and that take the place of one of its days, whatever they are of themselves.

    A correction may leave the days of the run: it takes from them all the same.
    """
    return _came(run, until).filter(supersedes__isnull=False).filter(takes_from(within_run(run))).order_by()


def has_changed_since(run: SettlementRun, until: Mapping[str, int] | None = None) -> bool:
    """Whether a record came that is of the run's days, or takes from them."""
    return records_since(run, until).exists() or corrections_since(run, until).exists()


def within_run(run: SettlementRun) -> Q:
    """Records that hold cards in the run's days."""
    return overlapping(start_of_day(run.starts), start_of_day(run.ends + timedelta(days=1)))


def takes_from(records: Q) -> Exists:
    """Whether a record takes the place of one of these."""
    return Exists(UsageRecord.objects.filter(records, centre=OuterRef("centre"), sequence=OuterRef("supersedes")))


def _came(run: SettlementRun, until: Mapping[str, int] | None) -> QuerySet[UsageRecord]:
    later = Q(sequence__lt=0)  # nothing, where no centre has grown
    for centre, code, last in Centre.objects.values_list("pk", "code", "last_sequence"):
        read, to = run.cursors.get(code, 0), last if until is None else until.get(code, 0)
        if to > read:
            later |= Q(centre=centre, sequence__gt=read, sequence__lte=to)
    return UsageRecord.objects.filter(later)
