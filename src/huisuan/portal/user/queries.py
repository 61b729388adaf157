"""What a viewer may read of jobs, usage, bills and entitlements. Every page's rows start here."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from huisuan.compute.job_queries import visible
from huisuan.compute.models import Job, UsageRecord
from huisuan.compute.queries import current_usage
from huisuan.console import SHANGHAI
from huisuan.parties.access import Viewer
from huisuan.settlement.models import Bill, Entitlement
from huisuan.settlement.queries import latest_runs


def jobs(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that the viewer reads."""
    return visible(viewer)


def metered(rows: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with `metered`: the card-seconds that the meter counted for them so far."""
    counted = (
        current_usage()
        .filter(centre=OuterRef("centre"), job_id=OuterRef("uid"))
        .order_by()
        .values("job_id")
        .annotate(total=Sum("card_seconds"))
    )
    return rows.annotate(metered=Coalesce(Subquery(counted.values("total"), output_field=BigIntegerField()), 0))


def records(viewer: Viewer) -> QuerySet[UsageRecord]:
    """The usage records that the viewer reads: corrected ones only in their last form."""
    return current_usage().filter(viewer.usage()).select_related("centre", "party", "accelerator")


def bills(viewer: Viewer) -> QuerySet[Bill]:
    """The bills of every run that the viewer reads: a user's own, a centre's own, a city's parties', or all."""
    mine = viewer.centres("centre") if viewer.role == "centre" else viewer.parties("party")
    return Bill.objects.filter(mine).select_related("run", "party__region", "centre")


def standing_bills(viewer: Viewer) -> QuerySet[Bill]:
    """The bills of the runs that stand, each year's once."""
    return bills(viewer).filter(run__in=latest_runs())


def entitlements(viewer: Viewer) -> QuerySet[Entitlement]:
    """The entitlements of every run that the viewer reads."""
    return Entitlement.objects.filter(viewer.parties("party")).select_related("run", "party__region")


def standing_entitlements(viewer: Viewer) -> QuerySet[Entitlement]:
    """The entitlements of the runs that stand, each year's once."""
    return entitlements(viewer).filter(run__in=latest_runs())


def stands(run: int) -> bool:
    """Whether no newer run of the same policy, sentence and year replaces this one."""
    return latest_runs().filter(pk=run).exists()


def months_of(record: UsageRecord) -> list[date]:
    """The first days of the months, at Asia/Shanghai, in which a record used cards."""
    last = max(record.started_at, record.ended_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
    month = record.started_at.astimezone(SHANGHAI).date().replace(day=1)
    months = []
    while month <= last:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def bills_of(viewer: Viewer, record: UsageRecord) -> QuerySet[Bill]:
    """The standing bills that a record is part of; two where it crosses a month."""
    return standing_bills(viewer).filter(party=record.party_id, centre=record.centre_id, month__in=months_of(record))


def entitlement_of(viewer: Viewer, party_id: int, year: int) -> Entitlement | None:
    """The standing entitlement of a party for a year."""
    return standing_entitlements(viewer).filter(party=party_id, run__year=year).first()


def chain_of(viewer: Viewer, record: UsageRecord) -> dict[str, str]:
    """Where a record stands at each step of the chain: its job, itself, its bill, its entitlement."""
    same = {"usage": reverse("record", args=[record.centre.code, record.sequence])}
    if job := jobs(viewer).filter(centre=record.centre_id, uid=record.job_id).first():
        same["jobs"] = reverse("job", args=[job.uid])
    if record.party_id and (bill := bills_of(viewer, record).first()):
        same["bills"] = reverse("bill", args=[bill.pk])
        if entitled := entitlement_of(viewer, record.party_id, bill.month.year):
            same["entitlements"] = reverse("entitlement", args=[entitled.pk])
    return same
