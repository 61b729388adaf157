"""Centres: the list, and one with its capacity, prices, use, records, source files and unclaimed use."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.compute.models import Centre
from huisuan.compute.queries import unclaimed
from huisuan.parties.access import Viewer
from huisuan.parties.gate import allow, viewer_of
from huisuan.portal import usage_sums, words
from huisuan.portal.centre import queries
from huisuan.portal.columns import Column, Empty, Kind
from huisuan.portal.table import Table, answer
from huisuan.portal.user.home import chosen_year
from huisuan.portal.user.usage import record_table

READERS = ("centre", "city", "province", "auditor")


def _address(centre: Centre) -> str:
    return reverse("centre", args=[centre.code])


CENTRE_COLUMNS = [
    Column("name", _("中心"), words.named, sort="name", link=_address),
    Column("code", _("代码"), "code", Kind.CODE, sort="code"),
    Column("region", _("市"), lambda centre: words.named(centre.region), sort="region_id"),
    Column("operator", _("运营方"), lambda centre: words.named(centre.operator), sort="operator__name"),
    Column("engine", _("执行引擎"), "engine", sort="engine"),
    Column("cards", _("卡数"), "cards", Kind.INTEGER, sort="cards", total="cards"),
    Column("p", _("规模"), "capacity_p", Kind.P, sort="size"),
    Column("records", _("用量记录"), "last_sequence", Kind.INTEGER, sort="last_sequence", total="last_sequence"),
]

FILE_COLUMNS = [
    Column("imported", _("入库"), "imported_at", Kind.MOMENT, sort="imported_at"),
    Column("name", _("文件"), "name", sort="name"),
    Column("format", _("格式"), "format", sort="format"),
    Column("lines", _("行数"), "line_count", Kind.INTEGER, sort="line_count", total="line_count"),
    Column("timezone", _("时区"), "timezone"),
    Column("collector", _("读取程序"), "collector", sort="collector"),
    Column("sha256", "SHA-256", lambda file: f"{file.sha256[:16]}…", Kind.CODE),
]


def centre_table(request: HttpRequest, viewer: Viewer, name: str = "") -> Table:
    """The centres that the viewer reads."""
    return Table(
        request,
        queries.with_size(queries.centres(viewer)),
        CENTRE_COLUMNS,
        file="centres",
        name=name,
        order="name",
        search=("name", "name_en", "code", "operator__name"),
        empty=Empty(_("还没有智算中心加入。由运营方登记："), command="huisuan centre add CODE"),
    )


@allow(*READERS)
def centre_list(request: HttpRequest) -> HttpResponseBase:
    """All centres that the viewer reads."""
    return answer(request, "portal/centre/centres.html", {}, [centre_table(request, viewer_of(request))])


@allow(*READERS)
def centre_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """One centre."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    sums = usage_sums.month_and_model(viewer, centre.code)
    years = usage_sums.years(sums)
    year = chosen_year(request, years)
    files = Table(
        request,
        queries.files(centre),
        FILE_COLUMNS,
        file=f"{code}-files",
        name="files",
        order="-imported",
        empty=Empty(_("还没有源文件。"), command=f"huisuan usage import --centre {code} --format sacct FILE"),
    )
    context = {
        "here": "centres",
        "centre": centre,
        "partitions": list(centre.partitions.all()),
        "cards": sum(partition.cards for partition in centre.partitions.all()),
        "tariffs": queries.tariffs(centre, timezone.localdate()),
        "years": years,
        "year": year,
        "charts": usage_sums.drawn(sums, year) if year else [],
        "unclaimed": unclaimed(code),
        "same": {"usage": f"{reverse('centre', args=[code])}#records"},
    }
    records = record_table(request, viewer, queries.records(centre), file=f"{code}-records", name="records")
    return answer(request, "portal/centre/centre.html", context, [records, files])
