"""What a centre's records come to, from its days, and the records of one month at a time: it may have millions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django.db.models import QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import SHANGHAI, next_month
from huisuan.compute.metering.usage.records import overlapping
from huisuan.compute.models import Centre, UsageDay
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import number_format
from huisuan.portal.ui.columns import Choice, Text
from huisuan.portal.ui.table import Table
from huisuan.portal.usage.records import many_records
from huisuan.portal.usage.sums import Sums
from huisuan.portal.visible import centres as queries


def sums(centre: Centre) -> Sums:
    """Card-seconds by month and model, as far as the days are counted."""
    days = UsageDay.objects.filter(centre=centre, accelerator__isnull=False).order_by()
    by = days.annotate(month=TruncMonth("day")).values_list("month", "accelerator__model")
    found: dict[tuple[str, str], int] = defaultdict(int)
    for month, model, seconds in by.annotate(total=Sum("card_seconds")):
        found[number_format.month(month), model] += seconds
    return found


def records_of_months(request: HttpRequest, viewer: Viewer, centre: Centre, year: int | None, used: Sums) -> Table:
    """The records of a month, the newest of the year unless another is chosen; `used` names months and models."""
    months = sorted({month for month, _model in used}, reverse=True)
    models = sorted({model for _month, model in used})
    newest = next((month for month in months if month.startswith(f"{year}-")), "")

    def months_used(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(month, month) for month in months]

    def models_used(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(model, model) for model in models]

    choices = [
        Choice("month", _("月份"), months_used, _of_month, always=True, first=newest, served=True),
        Choice("model", _("型号"), models_used, lambda rows, model: rows.filter(accelerator__model=model)),
    ]
    return many_records(
        request, viewer, queries.centre_records(centre), choices, f"{centre.code}-records", "records",
        measured=queries.all_records_at(centre),
    )  # fmt: skip


def _of_month(rows: QuerySet[Any], text: str) -> QuerySet[Any]:
    month = date.fromisoformat(f"{text}-01")
    starts, ends = (datetime.combine(day, time(), SHANGHAI) for day in (month, next_month(month)))
    return rows.filter(overlapping(starts, ends))
