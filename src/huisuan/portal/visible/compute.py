"""What a viewer may read of jobs, usage, bills and entitlements. Every page's rows start here."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Max, Q, QuerySet
from django.urls import reverse

from huisuan.base.months import SHANGHAI, Month, next_month
from huisuan.compute.jobs.queries import visible
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Centre, Job, MeterBatch, Seal, UsageRecord
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.settlement.models import Bill, Entitlement
from huisuan.settlement.runs.queries import billing_runs, latest_runs

_LISTED = ("party__region", "centre", "accelerator")
_UNREAD = ("command", "script", "environment", "notes")  # large, and no list shows them


def jobs(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that the viewer reads."""
    return visible(viewer)


def _seen_by(viewer: Viewer) -> Q:
    """`Viewer.usage`, the parties and centres by their keys where they are some of many.

    Few of a million records may be a city's: by way of joins the database would read all of them to find these.
    """
    if viewer.role not in ("city", "centre"):
        return viewer.usage()
    at_centres = Q(centre__in=list(Centre.objects.filter(viewer.centres()).values_list("pk", flat=True)))
    if viewer.role == "centre":
        return at_centres
    return at_centres | Q(party__in=list(Party.objects.filter(viewer.parties()).values_list("pk", flat=True)))


def listed(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with what a list shows of each: planning the joins of all that a job names takes longer than a list."""
    return jobs.select_related(*_LISTED).defer(*_UNREAD)


def listed_jobs(viewer: Viewer) -> QuerySet[Job]:
    """The jobs that the viewer reads, with what a list shows of each."""
    seen = listed(Job.objects.filter(_seen_by(viewer)))
    return seen if viewer.project_id is None else seen.filter(project=viewer.project_id)


def records(viewer: Viewer) -> QuerySet[UsageRecord]:
    """The usage records that the viewer reads: corrected ones only in their last form."""
    return current_usage().filter(_seen_by(viewer)).select_related("centre", "party", "accelerator")


def records_ever(viewer: Viewer) -> QuerySet[UsageRecord]:
    """The same with those that were corrected since, by which a stretch of records is measured."""
    return UsageRecord.objects.filter(_seen_by(viewer))


def bills_of_all_runs(viewer: Viewer) -> QuerySet[Bill]:
    """The bills of every run that the viewer reads: a user's own, a centre's own, a city's parties', or all."""
    mine = viewer.centres("centre") if viewer.role == "centre" else viewer.parties("party")
    return Bill.objects.filter(mine).select_related("run", "party__region", "centre")


def bills_of_newest_runs(viewer: Viewer) -> QuerySet[Bill]:
    """The bills of the runs that stand, each year's once."""
    return bills_of_all_runs(viewer).filter(run__in=billing_runs())


def entitlements_of_all_runs(viewer: Viewer) -> QuerySet[Entitlement]:
    """The entitlements of every run that the viewer reads."""
    return Entitlement.objects.filter(viewer.parties("party")).select_related("run", "party__region")


def entitlements_of_newest_runs(viewer: Viewer) -> QuerySet[Entitlement]:
    """The entitlements of the runs that stand, each year's once."""
    return entitlements_of_all_runs(viewer).filter(run__in=latest_runs())


def is_newest_run(run: int) -> bool:
    """Whether no newer run of the same policy, sentence and year replaces this one."""
    return latest_runs().filter(pk=run).exists()


def months_of(record: UsageRecord) -> list[date]:
    """The first days of the months, at Asia/Shanghai, in which a record used cards."""
    last = max(record.started_at, record.ended_at - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
    month = record.started_at.astimezone(SHANGHAI).date().replace(day=1)
    months = []
    while month <= last:
        months.append(month)
        month = next_month(month)
    return months


def bills_of(viewer: Viewer, record: UsageRecord) -> QuerySet[Bill]:
    """The standing bills that a record is part of; two where it crosses a month."""
    return bills_of_newest_runs(viewer).filter(
        party=record.party_id, centre=record.centre_id, month__in=months_of(record)
    )


def entitlement_of(viewer: Viewer, party_id: int, year: int) -> Entitlement | None:
    """The standing entitlement of a party for a year."""
    return entitlements_of_newest_runs(viewer).filter(party=party_id, run__year=year).first()


def seal_of(record: UsageRecord) -> Seal | None:
    """The sealed month that holds a record: the first that was sealed after it came and ends after it ended."""
    month = Month.of_record(int(record.started_at.timestamp()), int(record.ended_at.timestamp()))
    rows = Seal.objects.filter(centre=record.centre_id, last_sequence__gte=record.sequence, month__gte=month.first_day)
    return rows.select_related("centre", "countersigned__key").order_by("month").first()


def batch_of(record: UsageRecord) -> MeterBatch | None:
    """The batch of its centre's ledger that a record came in; found by halving, for an agent sends half a million."""
    batches = MeterBatch.objects.filter(centre=record.centre_id)
    low, high = 1, batches.aggregate(last=Max("number"))["last"] or 0
    while low < high:
        middle = (low + high) // 2
        ends = batches.values_list("last", flat=True).get(number=middle)
        low, high = (middle + 1, high) if ends < record.sequence else (low, middle)
    return (
        batches.filter(number=low, first__lte=record.sequence, last__gte=record.sequence).select_related("key").first()
    )


def seal_address(viewer: Viewer, seal: Seal) -> str | None:
    """Where a seal is shown to those who read the inside of its centre."""
    if Centre.objects.filter(viewer.centres(), pk=seal.centre_id).exists():
        return reverse("seal", args=[seal.centre.code, str(Month.containing(seal.month))])
    return None


def sealed_month(viewer: Viewer, centre: Centre, month: date) -> str | None:
    """Where a month's seal is shown, if there is one and the viewer reads the inside of its centre."""
    seal = Seal.objects.filter(viewer.centres("centre"), centre=centre, month=month).select_related("centre").first()
    return seal_address(viewer, seal) if seal else None


def chain_of(viewer: Viewer, record: UsageRecord) -> dict[str, str]:
    """Where a record stands at each step of the chain: its job, itself, its seal, its bill, its entitlement."""
    own = reverse("record", args=[record.centre.code, record.sequence])
    same = {"usage": own}
    if seal := seal_of(record):
        same["seals"] = seal_address(viewer, seal) or f"{own}#seal"
    if job := jobs(viewer).filter(uid=record.job_id, decisions__centre=record.centre_id).first():
        same["jobs"] = reverse("job", args=[job.uid])
    if record.party_id and (bill := bills_of(viewer, record).first()):
        same["bills"] = reverse("bill", args=[bill.pk])
        if entitled := entitlement_of(viewer, record.party_id, bill.month.year):
            same["entitlements"] = reverse("entitlement", args=[entitled.pk])
    return same
