"""What looked wrong in what was metered: the list, and the answer that closes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import CharField, Exists, Func, Max, Min, OuterRef, QuerySet, Value
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.compute.metering.imports.pending_corrections import resolve_flag as settle
from huisuan.compute.models import Centre, Job, MeterFlag, PendingCorrection, UsageRecord
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.list_filters import Firms, firm_choice, months_to_choose, span_of_month
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables

_READERS = ("centre", "city", "province", "auditor")
ANSWERS = ("province",)  # nobody answers for itself: not the centre; and who audits changes nothing

OPEN, ANSWERED = state_labels.Word(_("待答复"), "wait"), state_labels.Word(_("已答复"), "good")


def _address(flag: MeterFlag) -> str:
    return reverse("flag", args=[flag.pk])


_COLUMNS = [
    Column("number", _("编号"), lambda flag: f"#{flag.pk}", Kind.CODE, "id", link=_address),
    Column("state", _("状态"), lambda flag: ANSWERED if flag.answered_at else OPEN, Kind.STATE, "answered_at"),
    Column("centre", _("中心"), lambda flag: local_name(flag.centre), sort="centre__name"),
    Column("kind", _("种类"), lambda flag: str(state_labels.FLAG.get(flag.kind, flag.kind)), sort="kind"),
    Column("text", _("哪里不对"), "text", Kind.SENTENCE),
    Column("flagged", _("发现"), "flagged_at", Kind.MOMENT, "flagged_at"),
]


def visible_flags(viewer: Viewer) -> QuerySet[MeterFlag]:
    """The flags of the centres whose inside the viewer reads."""
    return MeterFlag.objects.filter(viewer.centres("centre")).select_related("centre")


def _kinds(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("kind", flat=True).distinct())
    return [(kind, label) for kind, label in state_labels.FLAG.items() if kind in present]


def _centres(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [(each.code, local_name(each)) for each in Centre.objects.filter(flags__in=rows).distinct()]


def _months(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return months_to_choose(rows.order_by().aggregate(first=Min("flagged_at"), last=Max("flagged_at")))


def _found_in(rows: QuerySet[Any], month: str) -> QuerySet[Any]:
    starts, ends = span_of_month(month)
    return rows.filter(flagged_at__gte=starts, flagged_at__lt=ends)


def _about_firms(rows: QuerySet[Any], firms: Firms) -> QuerySet[Any]:
    """The flags about a record of these firms, or about a run of a job of theirs, which the key names first."""
    records = UsageRecord.objects.filter(centre=OuterRef("centre"), sequence=OuterRef("sequence"), party__in=firms)
    job = Func(OuterRef("key"), Value(" "), Value(1), function="split_part", output_field=CharField())
    jobs = Job.objects.filter(pk=job, party__in=firms)
    return rows.filter(Exists(records) | Exists(jobs))


def flag_table(request: HttpRequest, viewer: Viewer) -> Table:
    """Every flag that the viewer reads, those without an answer first."""
    return Table(
        request,
        visible_flags(viewer),
        _COLUMNS,
        file="flags",
        order="-flagged",
        search=("text", "key", "centre__name", "centre__code", "answer"),
        choices=[
            Choice(
                "state",
                _("状态"),
                lambda _rows: [("open", OPEN.label), ("answered", ANSWERED.label)],
                lambda rows, state: rows.filter(answered_at__isnull=state == "open"),
            ),
            Choice("kind", _("种类"), _kinds, lambda rows, kind: rows.filter(kind=kind)),
            Choice("centre", _("中心"), _centres, lambda rows, code: rows.filter(centre__code=code)),
            Choice("month", _("发现月份"), _months, _found_in),
            firm_choice(within=_about_firms),
        ],
        empty=Empty(_("没有疑点：报来的每一行都对得上。查漏："), command="huisuan meter check CENTRE"),
    )


@allow(*_READERS)
def flag_list(request: HttpRequest) -> HttpResponseBase:
    """What looked wrong."""
    return render_tables(
        request, "portal/seals/flags.html", {"here": "flags"}, [flag_table(request, viewer_of(request))]
    )


def _shown(request: HttpRequest, flag: MeterFlag, refused: str = "") -> HttpResponseBase:
    context: dict[str, Any] = {
        "here": "flags",
        "flag": flag,
        "kind": state_labels.FLAG.get(flag.kind, flag.kind),
        "word": ANSWERED if flag.answered_at else OPEN,
        "may_answer": viewer_of(request).role in ANSWERS and flag.answered_at is None,
        "refused": refused,
        "correction": PendingCorrection.objects.filter(flag=flag).first(),
        "earlier": _earlier(flag),
    }
    return render(request, "portal/seals/flag.html", context, status=422 if refused else 200)


def _earlier(flag: MeterFlag) -> QuerySet[MeterFlag]:
    """The flags of other occasions about the same, before this one: whoever answers reads what was said then."""
    same = MeterFlag.objects.filter(centre=flag.centre, kind=flag.kind, key=flag.key, occasion__lt=flag.occasion)
    return same.order_by("-occasion")


@allow(*_READERS)
def flag_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One flag with its line, and its answer."""
    return _shown(request, get_object_or_404(visible_flags(viewer_of(request)), pk=number))


@allow(*ANSWERS)
@require_POST
def answer_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """Close a flag with what was found out; a correction that waits is applied if it is accepted."""
    viewer = viewer_of(request)
    flag = get_object_or_404(visible_flags(viewer), pk=number)
    try:
        with transaction.atomic():
            accept = request.POST.get("accept") == "yes"
            settle(number, request.POST.get("answer", ""), viewer.name, timezone.now(), accept=accept)
    except Refused as refusal:
        return _shown(request, flag, refusal_html(refusal))
    messages.success(request, _t("已接受，记录已更正。") if accept else _t("已答复，疑点关闭。"))
    return redirect("flag", number=number)
