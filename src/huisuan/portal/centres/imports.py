"""Usage files of a centre: uploaded on a page, imported in the background, with a report of their lines."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.csv_lines import LARGEST_CSV, escape_formula
from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.text_length import check_length, shortened
from huisuan.compute.metering.imports.requests import (
    ImportPlan,
    KeptFile,
    cancel_import,
    keep_file,
    repeat_for_real,
    request_import,
)
from huisuan.compute.metering.imports.upload_limits import IMPORT_MOST_BYTES
from huisuan.compute.models import Centre, UsageImport
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.background.progress_page import WORK_STATES, WorkPage, render_work
from huisuan.portal.centres.import_report import report_context
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.number_format import format_integer
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.visible import centres as queries

_READERS = ("centre", "city", "province", "auditor")
_MANAGERS = ("centre", "province")
_FORMATS = (("sacct", "sacct"), ("trace", "trace"))
_COLUMNS = ("submit", "start", "end", "duration", "cards", "user", "account", "job", "state")
#: text fields of the form: how long each may be, and what its label calls it
_TEXTS = {
    "timezone": (60, "时区"), "epoch": (40, "按秒计时的零点"), "shift_days": (7, "平移天数"), "tenant": (120, "用户名"),
    "model": (120, "型号"), **{f"{name}_column": (60, f"列名 {name}") for name in _COLUMNS},
}  # fmt: skip
IMPORT_STEPS = {"读入": _("读入文件"), "解析": _("逐行解析"), "对照": _("与已有记录对照"), "写入": _("写入账本")}


def _count(request: UsageImport, name: str) -> int | None:
    return request.report[name] if request.report else None


_TABLE = [
    Column("number", _("编号"), lambda work: f"#{work.pk}", Kind.CODE, sort="id",
           link=lambda work: reverse("usage-import", args=[work.pk])),
    Column("name", _("文件"), "name", sort="name"),
    Column("state", _("状态"), lambda work: WORK_STATES[work.state], Kind.STATE, sort="state"),
    Column("trial", _("试运行"), lambda work: _t("试运行") if work.dry_run else "", sort="dry_run"),
    Column("lines", _("读入行"), lambda work: _count(work, "lines"), Kind.INTEGER),
    Column("new", _("新记录"), lambda work: _count(work, "new"), Kind.INTEGER),
    Column("refused", _("拒收"), lambda work: _count(work, "refused"), Kind.INTEGER),
    Column("requested", _("提出时间"), "requested_at", Kind.MOMENT, sort="requested_at"),
    Column("by", _("谁办的"), "requested_by", sort="requested_by", minor=True),
]  # fmt: skip


def visible_imports(viewer: Viewer) -> QuerySet[UsageImport]:
    """The imports at the centres whose inside the viewer reads."""
    return UsageImport.objects.filter(viewer.centres("centre")).select_related("centre")


@allow(*_READERS)
def import_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """What was uploaded for a centre; a POST by who manages it takes a file and hands it to the worker."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    if request.method != "POST":
        return _page(request, centre)
    if viewer.role not in _MANAGERS:
        return _page(request, centre, refused=_t("只有中心自己的人和省专班能导入。"), status=403)
    try:
        made = request_import(code, _plan(request), viewer.name, timezone.now())
    except Refused as refusal:
        return _page(request, centre, refused=refusal_html(refusal), status=422)
    return redirect("usage-import", number=made.pk)


@allow(*_READERS)
def usage_import(request: HttpRequest, number: int) -> HttpResponseBase:
    """How far an import is, or what became of the file."""
    viewer = viewer_of(request)
    work = get_object_or_404(visible_imports(viewer), pk=number)
    manages = viewer.role in _MANAGERS
    page = WorkPage(
        title=_t("导入 {name}").format(name=work.name),
        step=IMPORT_STEPS.get(work.step, work.step),
        back=reverse("usage-imports", args=[work.centre.code]),
        back_label=_t("{centre} 的导入").format(centre=local_name(work.centre)),
        cancel=reverse("cancel-import", args=[number])
        if manages and work.is_under_way and not work.cancelled_by
        else "",
        facts=[
            (_("文件"), f"{work.name} · {format_integer(work.size)} B · {work.format}"),
            ("SHA-256", work.sha256),
            (_("时区"), work.timezone or work.centre.timezone),
            *([(_("账户对应表"), work.tenants_name)] if work.tenants_name else []),
            *([(_("试运行"), _t("只说会怎样，不写入"))] if work.dry_run else []),
        ],
        report="portal/centres/import_report.html",
    )
    more = {"import": work, "centre": work.centre, "tab": "imports", "may_import": manages, **report_context(work)}
    return render_work(request, work, page, "centres", more)


@allow(*_MANAGERS)
@require_POST
def cancel_usage_import(request: HttpRequest, number: int) -> HttpResponse:
    """Cancel: nothing of the file is written."""
    viewer = viewer_of(request)
    get_object_or_404(visible_imports(viewer), pk=number)
    cancel_import(number, viewer.name, timezone.now())
    return redirect("usage-import", number=number)


@allow(*_MANAGERS)
@require_POST
def import_for_real(request: HttpRequest, number: int) -> HttpResponse:
    """Import the file of a dry run, without sending it again."""
    viewer = viewer_of(request)
    get_object_or_404(visible_imports(viewer), pk=number)
    try:
        return redirect("usage-import", number=repeat_for_real(number, viewer.name, timezone.now()).pk)
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
        return redirect("usage-import", number=number)


@allow(*_READERS)
def import_faults(request: HttpRequest, number: int) -> HttpResponse:
    """The refused lines of an import as CSV: line and why, as many as are kept."""
    work = get_object_or_404(visible_imports(viewer_of(request)), pk=number, report__isnull=False)
    buffer = io.StringIO()
    rows = csv.writer(buffer)
    rows.writerow([_t("行"), _t("哪里不对，怎么改")])
    faults = cast("dict[str, Any]", work.report)["faults"]
    rows.writerows((fault["line"], escape_formula(fault["reason"])) for fault in faults)
    answer = HttpResponse("﻿" + buffer.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{work.centre.code}-import-{number}-refused.csv"'
    return answer


def _plan(request: HttpRequest) -> ImportPlan:
    given = {name: request.POST.get(name, "").replace("\0", "").strip() for name in request.POST}
    for name, (most, label) in _TEXTS.items():
        check_length(given.get(name, ""), most, label)
    file = request.FILES.get("file")
    if file is None or not file.size:
        raise InvalidRequest("没有选文件，或文件是空的：请选一份记账文件", code="file.missing")
    if given.get("format") not in dict(_FORMATS):
        raise InvalidRequest("请选择格式：sacct 或 trace", code="usage.format_unknown")
    return ImportPlan(
        _kept(file), given["format"], given.get("timezone", ""), _tenants(request.FILES.get("tenants")),
        _trace_options(given) if given["format"] == "trace" else {}, "dry_run" in given,
    )  # fmt: skip


def _kept(file: UploadedFile[bytes]) -> KeptFile:
    return keep_file(cast(Any, file), (file.name or "upload").replace("\0", ""))


def _tenants(file: UploadedFile[bytes] | None) -> KeptFile | None:
    if file is None or not file.size:
        return None
    if file.size > LARGEST_CSV:
        raise InvalidRequest("文件太大：请分成几个再导入", code="file.too_large")
    return _kept(file)


def _trace_options(given: dict[str, str]) -> dict[str, Any]:
    shift = given.get("shift_days", "") or "0"
    if not shift.lstrip("+-").isdecimal() or len(shift) > 7:
        raise InvalidRequest(f'平移天数 "{shortened(shift, 20)}" 不是整数；如 -365', code="usage.shift_malformed")
    columns = {name: given[f"{name}_column"] for name in _COLUMNS if given.get(f"{name}_column")}
    return {
        "model": given.get("model") or None, "epoch": given.get("epoch") or None, "shift_days": int(shift),
        "tenant": given.get("tenant", ""), "columns": columns,
    }  # fmt: skip


def _page(request: HttpRequest, centre: Centre, *, status: int = 200, **more: Any) -> HttpResponseBase:
    given = request.POST
    table = Table(
        request, visible_imports(viewer_of(request)).filter(centre=centre), _TABLE, file=f"{centre.code}-imports",
        name="imports", order="-number", search=("name", "requested_by", "sha256"),
        choices=[Choice("state", _("状态"), _states, lambda rows, state: rows.filter(state=state))],
        empty=Empty(_("还没有在网页上导入过；用命令和接口导入的，见中心页的“源文件”。")),
    )  # fmt: skip
    context = {
        "here": "centres",
        "centre": centre,
        "tab": "imports",
        "given": given,
        "formats": choices(_FORMATS, given.get("format", "sacct")),
        "columns": [(name, given.get(f"{name}_column", "")) for name in _COLUMNS],
        "models": sorted({partition.accelerator.model for partition in centre.partitions.all()}),
        "largest": IMPORT_MOST_BYTES // 1024**2,
        "may_import": viewer_of(request).role in _MANAGERS,
        "month": f"{_last_month(timezone.localtime()):%Y-%m}",
        **more,
    }
    return render_tables(request, "portal/centres/imports.html", context, [table], status=status)


def _states(rows: QuerySet[Any]) -> list[tuple[str, Any]]:
    present = set(rows.order_by().values_list("state", flat=True).distinct())
    return [(state, word.label) for state, word in WORK_STATES.items() if state in present]


def _last_month(now: datetime) -> datetime:
    first = now.replace(day=1)
    return first.replace(year=first.year - (first.month == 1), month=(first.month - 2) % 12 + 1)
