"""The register of parties: searched, filtered and exported by who oversees, entered and changed by the province."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.csv_lines import LineFault
from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Party, PartyKind, Region, StateChange, StateField, Succession
from huisuan.parties.queries import list_visible_parties
from huisuan.parties.relation_history import relations_known
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.state_history import list_attestations
from huisuan.parties.viewer import Viewer
from huisuan.portal.parties.whole_party import party_sources, read_whole_party
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.list_filters import first_rows
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.whole.timeline import read_timeline, timeline_file
from huisuan.settlement.impact.register_requests import RegisterLines, enter_at_once, request_register_file

READS_REGISTER = ("city", "province", "auditor")
HISTORY_SHOWN = 100
_FIELDS = ("uscc", "name", "kind", "region", "name_en", "registered_on")
#: the columns of the register's file, as pages call them
PARTY_COLUMNS: dict[str, Text] = {
    "uscc": _("统一社会信用代码"), "name": _("名称"), "kind": _("类别"), "region": _("市"), "name_en": _("英文名称"),
    "registered_on": _("登记日"), "status": _("状态"),
}  # fmt: skip


def _address(party: Party) -> str:
    return reverse("party", args=[party.uscc])


_LIST = [
    Column("name", _("名称"), local_name, sort="name", link=_address),
    Column("uscc", _("统一社会信用代码"), "uscc", Kind.CODE, sort="uscc"),
    Column("kind", _("类别"), lambda party: str(state_labels.PARTY[party.kind]), sort="kind"),
    Column("region", _("市"), lambda party: local_name(party.region), sort="region_id"),
    Column("registered", _("登记日"), "registered_on", Kind.DAY, sort="registered_on", minor=True),
]


def _kinds(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("kind", flat=True).distinct())
    return [(kind, label) for kind, label in state_labels.PARTY.items() if kind in present]


def _regions(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    found = Region.objects.filter(code__in=rows.order_by().values("region_id").distinct())
    return [(region.code, local_name(region)) for region in found]


def party_table(request: HttpRequest, viewer: Viewer) -> Table:
    """The parties that the viewer may see."""
    return Table(
        request,
        list_visible_parties(viewer),
        _LIST,
        file="parties",
        order="name",
        search=("name", "name_en", "uscc"),
        choices=[
            Choice("kind", _("类别"), _kinds, lambda rows, kind: rows.filter(kind=kind)),
            Choice("region", _("市"), _regions, lambda rows, code: rows.filter(region=code)),
        ],
        empty=_empty(viewer),
    )


@allow(*READS_REGISTER)
def party_list(request: HttpRequest) -> HttpResponseBase:
    """The register of parties."""
    viewer = viewer_of(request)
    context = {"here": "parties", "may_change": viewer.role == "province"}
    return render_tables(request, "portal/parties/parties.html", context, [party_table(request, viewer)])


def _empty(viewer: Viewer) -> Empty:
    if viewer.role == "province":
        return Empty(_("登记库里还没有主体。"), link=reverse("new-party"), link_text=_("登记一个主体"))
    return Empty(_("登记库里还没有主体。"))


@allow(*READS_REGISTER)
def party_page(request: HttpRequest, uscc: str) -> HttpResponseBase:
    """One party: its money and claims, what is registered, its relations, and every change with who made it."""
    viewer = viewer_of(request)
    party = get_object_or_404(list_visible_parties(viewer), uscc=uscc.upper())
    today = timezone.now().astimezone(SHANGHAI).date()
    known, sources = relations_known(today), party_sources(party, viewer)
    if (answer := timeline_file(request, f"party-{party.uscc}-timeline", sources)) is not None:
        return answer
    timeline = read_timeline(request, sources)
    changes, more_changes = first_rows(party.changes.all(), HISTORY_SHOWN)
    context = {
        "here": "parties",
        "timeline": timeline,
        "not_used": timeline.not_used,
        "party": party,
        "whole": read_whole_party(party, viewer, today),
        "may_change": viewer.role == "province",
        "owns": known.filter(owner=party).select_related("owned").order_by("owned__uscc", "valid_from"),
        "owned_by": known.filter(owned=party).select_related("owner").order_by("owner__uscc", "valid_from"),
        "successions": Succession.objects.filter(Q(old=party) | Q(new=party), known_from__lte=today)
        .select_related("old", "new")
        .order_by("valid_from", "pk"),
        "dated": list(_dated(party, today)),
        "attested": list_attestations(party, today),
        "changes": [_change(each) for each in changes],
        "more_changes": more_changes,
        "same": {"bills": f"{reverse('bills')}?q={party.uscc}", "entitlements": f"{reverse('entitlements')}?q={uscc}"},
    }
    return render(request, "portal/parties/party.html", context)


def _dated(party: Party, today: date) -> Iterator[tuple[StateChange, Text, Text, Text]]:
    """What the register says of a party from some day on, as known today: the row, its label, both values in words."""
    rows = list(party.state_changes.filter(known_from__lte=today).order_by("valid_from", "known_from", "pk"))
    regions = Region.objects.in_bulk({value for row in rows for value in (row.before, row.value)}, field_name="code")

    def worded(what: str, value: str) -> Text:
        if what == StateField.REGION and value in regions:
            return local_name(regions[value])
        labels = {StateField.KIND: state_labels.PARTY, StateField.STATUS: state_labels.PARTY_STATUS}
        return labels.get(StateField(what), {}).get(value, value)

    for row in rows:
        yield row, PARTY_COLUMNS[row.what], worded(row.what, row.before), worded(row.what, row.value)


def _change(change: Any) -> dict[str, Any]:
    return {
        "change": change,
        "cells": [
            (PARTY_COLUMNS.get(name, name), change.before.get(name, ""), value) for name, value in change.after.items()
        ],
    }


@allow("province")
def new_party(request: HttpRequest) -> HttpResponseBase:
    """Enter a party that is not registered yet."""
    asked = _typed(request)
    if request.method == "POST":
        if Party.objects.filter(uscc=asked["uscc"].replace(" ", "").upper()).exists():
            return _form(request, asked, refused=_t("这个主体已经登记，请在它的页面上改。"))
        return _store(request, asked, None)
    return _form(request, asked)


@allow("province")
def change_party(request: HttpRequest, uscc: str) -> HttpResponseBase:
    """Change what is registered of a party; its code stays."""
    party = get_object_or_404(Party, uscc=uscc.upper())
    if request.method == "POST":
        return _store(request, {**_typed(request), "uscc": party.uscc}, party)
    day = party.registered_on.isoformat() if party.registered_on else ""
    asked = {
        "uscc": party.uscc, "name": party.name, "kind": party.kind, "region": party.region_id, "name_en": party.name_en,
        "registered_on": day,
    }  # fmt: skip
    return _form(request, asked, party)


def _typed(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "").replace("\0", "").strip() for name in _FIELDS}


def _store(request: HttpRequest, asked: Mapping[str, str], party: Party | None) -> HttpResponseBase:
    """By the rules of the file, as a file of one line: what a page takes an import takes, and the reverse."""
    if not asked["uscc"]:  # a line without anything would pass for the end of a file
        return _form(request, asked, party, refused=_t("请填写统一社会信用代码。"))
    buffer = io.StringIO()
    csv.writer(buffer).writerows([_FIELDS, [asked[name] for name in _FIELDS]])
    code = asked["uscc"].replace(" ", "").upper()
    file = RegisterLines("parties", buffer.getvalue().encode(), "网页", code if party else "")
    by, now = viewer_of(request).name, timezone.now()
    try:
        report = enter_at_once(file, by, now)
        if report is None:
            return redirect("register-file", number=request_register_file(file, by, now).pk)
    except Refused as refusal:  # what past results rest on cannot be read
        return _form(request, asked, party, refused=refusal_html(refusal))
    if report.faults:
        return _form(request, asked, party, fault=report.faults[0])
    messages.success(request, _t("已登记。") if report.new else _t("已更改。") if report.changed else _t("没有变化。"))
    return redirect("party", uscc=code)


def _form(
    request: HttpRequest, asked: Mapping[str, str], party: Party | None = None, *, refused: str = "",
    fault: LineFault | None = None,
) -> HttpResponseBase:  # fmt: skip
    regions = [(region.code, f"{region.code} {local_name(region)}") for region in Region.objects.all()]
    context = {
        "here": "parties", "asked": asked, "party": party, "refused": refused, "fault": fault,
        "fault_label": PARTY_COLUMNS.get(fault.column, fault.column) if fault else "",
        "kinds": choices(((kind, str(state_labels.PARTY[kind])) for kind in PartyKind.values), asked["kind"]),
        "regions": choices(regions, asked["region"]),
    }  # fmt: skip
    return render(request, "portal/parties/form.html", context, status=422 if refused or fault else 200)
