"""Centres: the list, and one with its sizes, nodes, queue, agent, seals, flags, prices, use and records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet, Window
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import Month
from huisuan.compute.maintenance.queries import list_windows, window_state
from huisuan.compute.metering.checks.flags import open_flags
from huisuan.compute.metering.usage.daily_totals import REFRESH_LIMIT, updated_tally
from huisuan.compute.models import Centre
from huisuan.parties.models import Region
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.centres import capacity
from huisuan.portal.centres import usage as use
from huisuan.portal.centres.agent import speaker
from huisuan.portal.centres.maintenance import WINDOW_STATES
from huisuan.portal.jobs.list import job_columns, job_states
from huisuan.portal.seals.calendar import calendar
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.ui.year_filter import chosen_year
from huisuan.portal.usage import sums as usage_sums
from huisuan.portal.visible import centres as queries

FLAGS_SHOWN = 5
ROWS_SHOWN = 20  # of each list of a centre's page, which has four
_READERS = ("centre", "city", "province", "auditor")


def _address(centre: Centre) -> str:
    return reverse("centre", args=[centre.code])


CENTRE_COLUMNS = [
    Column("name", _("中心"), local_name, sort="name", link=_address),
    Column("code", _("代码"), "code", Kind.CODE, sort="code"),
    Column("region", _("市"), lambda centre: local_name(centre.region), sort="region_id"),
    Column("operator", _("运营方"), lambda centre: local_name(centre.operator), sort="operator__name"),
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


def _cities(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Region.objects.filter(centres__in=rows).distinct()
    return [(region.code, local_name(region)) for region in found]


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
        choices=[Choice("city", _("市"), _cities, lambda rows, code: rows.filter(region=code))],
        empty=Empty(_("还没有智算中心加入。由运营方登记："), command="huisuan centre add CODE"),
    )


@allow(*_READERS)
def centre_list(request: HttpRequest) -> HttpResponseBase:
    """All centres that the viewer reads."""
    return render_tables(request, "portal/centres/centres.html", {}, [centre_table(request, viewer_of(request))])


def queue_table(request: HttpRequest, viewer: Viewer, centre: Centre) -> Table:
    """The platform's jobs that are at a centre: on their way there, in its own queue, running."""
    columns = [column for column in job_columns(viewer) if column.key != "centre"]
    columns.append(Column("started", _("开始"), "started_at", Kind.MOMENT, sort="started_at"))
    return Table(
        request,
        queries.jobs_at(centre),
        columns,
        file=f"{centre.code}-queue",
        name="queue",
        order="submitted",
        search=("name", "uid", "array_uid", "submitted_by", "party__name"),
        choices=[Choice("state", _("状态"), job_states, lambda rows, state: rows.filter(state=state))],
        empty=Empty(_("平台没有作业在这个中心。") if centre.engine else _("这个中心只报用量，不接平台作业。")),
    )


def file_table(request: HttpRequest, centre: Centre) -> Table:
    """The files and batches that a centre's records came in."""
    return Table(
        request,
        queries.files(centre),
        FILE_COLUMNS,
        file=f"{centre.code}-files",
        name="files",
        order="-imported",
        empty=Empty(_("还没有源文件。"), command=f"huisuan usage import --centre {centre.code} --format sacct FILE"),
    )


@allow(*_READERS)
def centre_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """One centre."""
    viewer, now, today = viewer_of(request), timezone.now(), timezone.localdate()
    centre = get_object_or_404(queries.centres(viewer).select_related("agent__key", "tally"), code=code)
    tally, uncounted = updated_tally(centre, REFRESH_LIMIT)  # first: it counts what everything below is made of
    sums = use.sums(centre)
    years = usage_sums.years(sums)
    year = chosen_year(request, years)
    found = capacity.sizes(centre, today, year)
    nodes = capacity.seen_nodes(centre)
    flags = list(open_flags(centre).annotate(open=Window(Count("pk")))[:FLAGS_SHOWN])
    context = {
        "here": "centres",
        "centre": centre,
        "cards": sum(partition.cards for partition in centre.partitions.all()),
        "sizes": found,
        "chart": capacity.chart(found, asked := capacity.legal_size()),
        "asked": asked,
        "uncounted": uncounted,
        "partitions": capacity.partitions(centre, nodes),
        "attestations": capacity.attestations(centre),
        "agent": speaker(centre, now),
        "calendar": calendar(centre, today, {Month.parse(month) for month, _model in sums}),
        "flags": flags,
        "open_flags": flags[0].open if flags else 0,
        "tariffs": queries.tariffs(centre, today),
        "windows": [(each, WINDOW_STATES[window_state(each, now)]) for each in list_windows(now, code)],
        "years": years,
        "year": year,
        "charts": usage_sums.drawn(sums, year) if year else [],
        "may_manage": viewer.role in ("centre", "province"),
        "tally": tally,
        "same": {"usage": "#records", "seals": f"{reverse('seals')}?centre={code}", "jobs": "#queue"},
    }
    tables = [
        capacity.node_table(request, centre, nodes),
        queue_table(request, viewer, centre),
        use.records_of_months(request, viewer, centre, year, sums),
        file_table(request, centre),
    ]
    for table in tables:
        table.most_rows = ROWS_SHOWN
    return render_tables(request, "portal/centres/centre.html", context, tables)
