"""By what a list of entitlements is filtered: year, month and centre of the use, state, firm, city."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, Exists, F, Func, Max, Min, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import Month
from huisuan.compute.models import Centre
from huisuan.parties.models import Region
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Text
from huisuan.portal.ui.list_filters import firm_choice
from huisuan.portal.ui.state_labels import local_name
from huisuan.settlement.models import Bill


def entitlement_choices(request: HttpRequest, viewer: Viewer, name: str = "") -> list[Choice]:
    """The filters of a list named `name`; a month and a centre together mean use at that centre in that month."""
    asked = {key: request.GET.get(f"{name}-{key}" if name else key, "") for key in ("month", "centre")}

    def in_month(rows: QuerySet[Any], month: str) -> QuerySet[Any]:
        return _with_bill(rows, month=Month.parse(month).first_day)

    def at_centre(rows: QuerySet[Any], code: str) -> QuerySet[Any]:
        months = [text for text, _label in _months(rows)]
        also = {"month": Month.parse(asked["month"]).first_day} if asked["month"] in months else {}
        return _with_bill(rows, centre=Centre.objects.get(code=code), **also)

    choices = [
        Choice("year", _("年度"), _years, lambda found, year: found.filter(run__year=int(year))),
        Choice("month", _("用量月份"), _months, in_month),
        Choice("centre", _("用量中心"), _centres, at_centre),
        Choice("status", _("状态"), _states, lambda found, status: found.filter(status=status)),
    ]
    if viewer.role != "user":
        choices.append(firm_choice())
    if viewer.sees_everything:
        choices.append(Choice("region", _("市"), _regions, lambda found, code: found.filter(party__region=code)))
    return choices


def _with_bill(rows: QuerySet[Any], **of: Any) -> QuerySet[Any]:
    """The entitlements that rest on such a bill, of the party or of one whose claims it carries."""
    bills = Bill.objects.filter(run=OuterRef("run"), **of)
    is_carried = Func(OuterRef("carried"), F("party__uscc"), function="jsonb_exists", output_field=BooleanField())
    own, carried = Exists(bills.filter(party=OuterRef("party"))), Exists(bills.filter(is_carried))
    return rows.filter(own | (~Q(carried=[]) & carried))


def _years(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    years = rows.order_by("-run__year").values_list("run__year", flat=True).distinct()
    return [(str(year), str(year)) for year in years]


def _months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    """The months of the runs, the last first."""
    span = rows.order_by().aggregate(first=Min("run__starts"), last=Max("run__ends"))
    if span["first"] is None:
        return []
    found, month = [], Month.containing(span["first"])
    while month.first_day <= span["last"]:
        found.append((str(month), str(month)))
        month = month.following
    return found[::-1]


def _centres(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    billed = Bill.objects.filter(run__in=rows.order_by().values("run"), centre=OuterRef("pk"))
    return [(centre.code, local_name(centre)) for centre in Centre.objects.filter(Exists(billed))]


def _states(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("status", flat=True).distinct())
    return [(status, word.label) for status, word in state_labels.ENTITLEMENT.items() if status in present]


def _regions(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Region.objects.filter(code__in=rows.order_by().values("party__region_id"))
    return [(region.code, local_name(region)) for region in found]
