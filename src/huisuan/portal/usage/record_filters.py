"""By what a list of usage records is filtered: centre, year, month, model, state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import SHANGHAI
from huisuan.compute.models import Accelerator, Centre, Partition, UsageDay, UsageRecord
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui.columns import Choice, Text
from huisuan.portal.ui.list_filters import firm_choice, months_to_choose, span_of_month
from huisuan.portal.ui.state_labels import local_name


def _months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    """The months between the first record and the last: of the rows' owner or centre, found by index."""
    return months_to_choose(rows.order_by().aggregate(first=Min("started_at"), last=Max("started_at")))


def _in_year(rows: QuerySet[Any], year: str) -> QuerySet[Any]:
    start, end = (datetime(number, 1, 1, tzinfo=SHANGHAI) for number in (int(year), int(year) + 1))
    return rows.filter(ended_at__gt=start, started_at__lt=end)


def _in_month(rows: QuerySet[Any], month: str) -> QuerySet[Any]:
    start, end = span_of_month(month)
    return rows.filter(started_at__gte=start, started_at__lt=end)


def choices_of_many(viewer: Viewer) -> list[Choice]:
    """The filters of a list of all that a viewer reads; none looks at every record to know its options."""
    inside = Centre.objects.filter(viewer.centres()) if viewer.role == "centre" else Centre.objects.all()
    spanned = UsageRecord.objects.filter(viewer.usage()) if viewer.role == "user" else UsageRecord.objects.all()
    months = list(_months(spanned))
    years = [(year, year) for year in dict.fromkeys(month[:4] for month, _label in months)]
    declared = Partition.objects.filter(centre__in=inside).order_by().values("accelerator")
    counted = UsageDay.objects.filter(centre__in=inside).order_by().values("accelerator")
    models = Accelerator.objects.filter(Q(pk__in=declared) | Q(pk__in=counted)).order_by("model")
    names = [(name, name) for name in models.values_list("model", flat=True)]
    centres = [(each.code, local_name(each)) for each in inside.filter(last_sequence__gt=0)]
    return [
        Choice("centre", _("中心"), lambda _rows: centres, _at_centre, served=True),
        Choice("year", _("年度"), lambda _rows: years, _in_year, served=True),
        Choice("month", _("开始月份"), lambda _rows: months, _in_month, served=True),
        Choice("model", _("型号"), lambda _rows: names, _of_model),
        Choice("state", _("终态"), lambda _rows: _FINAL_STATES, _ended_as),
        *([] if viewer.role == "user" else [firm_choice(served=True)]),
    ]


def _models_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    names = rows.order_by("accelerator__model").values_list("accelerator__model", flat=True).distinct()
    return [(name, name) for name in names]


def _ended_as(found: QuerySet[Any], state: str) -> QuerySet[Any]:
    return found.filter(state=state)


def _states_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(state, state) for state in rows.order_by("state").values_list("state", flat=True).distinct()]


def _at_centre(found: QuerySet[Any], code: str) -> QuerySet[Any]:
    return found.filter(centre=Centre.objects.get(code=code))  # by its key: an index is searched by it


def _of_model(found: QuerySet[Any], model: str) -> QuerySet[Any]:
    return found.filter(accelerator=Accelerator.objects.get(model=model))


def _centres_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Centre.objects.filter(Exists(rows.order_by().filter(centre=OuterRef("pk"))))
    return [(centre.code, local_name(centre)) for centre in found]


def _years_of(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(year, year) for year in dict.fromkeys(month[:4] for month, _label in _months(rows))]


def choices_of_few(viewer: Viewer) -> list[Choice]:
    """The filters of records that are few: what the rows themselves have."""
    return [*_CHOICES_OF_FEW, *([] if viewer.role == "user" else [firm_choice()])]


MODEL_CHOICE = Choice("model", _("型号"), _models_of, _of_model)
_CHOICES_OF_FEW = (
    Choice("centre", _("中心"), _centres_of, _at_centre),
    Choice("year", _("年度"), _years_of, _in_year),
    Choice("month", _("开始月份"), _months, _in_month),
    MODEL_CHOICE,
    Choice("state", _("终态"), _states_of, _ended_as),
)
#: as Slurm names them; a state that a centre's scheduler names otherwise is found by the filter box
_FINAL_STATES = [
    (state, state)
    for state in (
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "REQUEUED", "RUNNING",
    )
]  # fmt: skip
