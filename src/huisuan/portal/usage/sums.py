"""Card-seconds by month and model, as the meter sums them, and the charts that show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.compute.models import PartyUseMonth
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import charts, number_format
from huisuan.portal.ui.charts import Bar, Chart

#: (month as "2024-06", model) -> card-seconds
Sums = Mapping[tuple[str, str], int]


def month_and_model(viewer: Viewer) -> Sums:
    """What the records of the viewer's firm come to, as far as they are counted (`budgets.party_use`)."""
    months = PartyUseMonth.objects.filter(viewer.parties("party"), card_seconds__gt=0).order_by()
    by = months.values_list("month", "accelerator__model").annotate(total=Sum("card_seconds"))
    return {(number_format.month(month), model): seconds for month, model, seconds in by}


def years(sums: Sums) -> list[int]:
    """The years with use, newest first."""
    return sorted({int(month[:4]) for month, _model in sums}, reverse=True)


def total(sums: Sums, year: int) -> int:
    """Card-seconds of a year."""
    return sum(seconds for (month, _model), seconds in sums.items() if month[:4] == str(year))


def chart_by_month(sums: Sums, year: int) -> Chart:
    """The twelve months of a year."""
    by = [sum(s for (month, _m), s in sums.items() if month == f"{year}-{number:02d}") for number in range(1, 13)]
    bars = [_bar(f"{number}", seconds) for number, seconds in enumerate(by, start=1)]
    top = max(range(12), key=lambda index: by[index])
    message = _t("{year} 年用了 {hours} 卡时，{month} 月最多").format(
        year=year, hours=number_format.card_hours(sum(by)), month=top + 1
    )
    return charts.columns(message, (_("月"), _("卡时")), bars)


def chart_by_model(sums: Sums, year: int) -> Chart:
    """The models of a year, the most used first."""
    by: dict[str, int] = defaultdict(int)
    for (month, model), seconds in sums.items():
        if month[:4] == str(year):
            by[model] += seconds
    ordered = sorted(by.items(), key=lambda each: (-each[1], each[0]))
    bars = [_bar(model, seconds) for model, seconds in ordered]
    message = _t("{model} 占 {share}").format(
        model=ordered[0][0], share=number_format.format_percentage(ordered[0][1], sum(by.values()))
    )
    return charts.ranking(message, (_("型号"), _("卡时")), bars)


def drawn(sums: Sums, year: int) -> list[Chart]:
    """Both charts of a year, where it has any use."""
    return [chart_by_month(sums, year), chart_by_model(sums, year)] if total(sums, year) else []


def _bar(name: str, seconds: int) -> Bar:
    return Bar(name, number_format.card_hours(seconds), Decimal(seconds) / 3600)
