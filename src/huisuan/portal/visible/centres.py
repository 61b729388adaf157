"""What a viewer may read of centres."""

from __future__ import annotations

from datetime import date

from django.db.models import BigIntegerField, DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from huisuan.compute.centres.queries import list_centres, list_tariffs
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import AT_CENTRE, Centre, Job, Partition, SourceFile, Tariff, UsageRecord
from huisuan.parties.viewer import Viewer
from huisuan.portal.visible.compute import listed


def centres(viewer: Viewer) -> QuerySet[Centre]:
    """The centres whose inside the viewer reads."""
    return list_centres(viewer)


def with_size(rows: QuerySet[Centre]) -> QuerySet[Centre]:
    """Centres with `cards` and `size` (TFLOPS of dense FP16), computed by the database, so that lists can sort."""
    of_centre = Partition.objects.filter(centre=OuterRef("pk")).order_by().values("centre")
    cards = of_centre.annotate(n=Sum(F("nodes") * F("cards_per_node"))).values("n")
    size = of_centre.annotate(n=Sum(F("nodes") * F("cards_per_node") * F("accelerator__tflops_fp16"))).values("n")
    return rows.annotate(
        cards=Coalesce(Subquery(cards, output_field=BigIntegerField()), 0),
        size=Subquery(size, output_field=DecimalField(max_digits=20, decimal_places=1)),
    )


def centre_records(centre: Centre) -> QuerySet[UsageRecord]:
    """The records of a centre that stand."""
    return current_usage().filter(centre=centre).select_related("centre", "party", "accelerator")


def all_records_at(centre: Centre) -> QuerySet[UsageRecord]:
    """The same with those that were corrected since, by which a stretch of records is measured."""
    return UsageRecord.objects.filter(centre=centre)


def jobs_at(centre: Centre) -> QuerySet[Job]:
    """The jobs that are at a centre of the viewer's: on their way there, in its own queue, running."""
    return listed(Job.objects.filter(centre=centre, state__in=AT_CENTRE))


def tariffs(centre: Centre, today: date) -> list[tuple[Tariff, bool]]:
    """The tariffs of a centre, each with whether it holds today."""
    ordered = list_tariffs(centre.code).order_by("accelerator__model", "-valid_from")
    return [(row, row.valid_from <= today and (row.valid_to is None or today < row.valid_to)) for row in ordered]


def files(centre: Centre) -> QuerySet[SourceFile]:
    """The source files of a centre."""
    return SourceFile.objects.filter(centre=centre)
