"""The list of applications that a viewer may see: a firm's own, a city's, an office's, or all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.inbox import applicant_name, programme_choice
from huisuan.portal.programmes.milestone_list import milestone_table
from huisuan.portal.programmes.words import application_state, programme_title
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.list_filters import firm_choice
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.contract_desk.waiting import milestones_to_report
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.programmes.year_overview.overview import overdue_among

READERS = ("user", "city", "province", "department", "treasury", "auditor")


def application_table(request: HttpRequest, viewer: Viewer) -> Table:
    """Every application that the viewer may see, the newest first."""

    def states(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        found = rows.order_by().values_list("state", flat=True).distinct()
        return [(state, str(application_state(state, viewer.role))) for state in sorted(found)]

    def years(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [(str(year), str(year)) for year in rows.order_by("-year").values_list("year", flat=True).distinct()]

    choices = [
        Choice("state", _("状态"), states, lambda rows, state: rows.filter(state=state)),
        programme_choice(),
        Choice("year", _("年度"), years, lambda rows, year: rows.filter(year=year)),
        Choice(
            "due",
            _("期限"),
            lambda _rows: [("overdue", _("已过期"))],
            lambda rows, _due: overdue_among(rows, timezone.localdate()),
        ),
    ]
    return Table(
        request,
        visible_applications(viewer),
        [
            Column("number", _("编号"), "number", Kind.CODE, sort="number", link=_address),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("year", _("年度"), lambda row: str(row.year), sort="year"),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("state", _("状态"), lambda row: application_state(row.state, viewer.role), Kind.STATE, "state"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("since", _("最近一步"), "state_since", Kind.MOMENT, sort="state_since"),
        ],
        file="applications",
        order="-number",
        search=("number", "party__name", "party__uscc"),
        choices=[*choices, firm_choice()] if viewer.role != "user" else choices,
        empty=Empty(
            _("还没有申报：在申报通知受理期内从草稿提交，或确认平台发出的免申即享，就会列在这里。"),
            link=reverse("calls"),
            link_text=_("申报通知"),
        ),
    )


def _address(row: Any) -> str:
    return reverse("application", args=[row.number])


@allow(*READERS)
def application_list(request: HttpRequest) -> HttpResponseBase:
    """The applications; above an applicant's own, the milestones whose report is near or overdue."""
    viewer = viewer_of(request)
    tables, context = [application_table(request, viewer)], {"here": "applications", "milestones": False}
    if viewer.role == "user":
        tables.append(milestone_table(request, milestones_to_report(viewer, timezone.now()), "milestone"))
        context["milestones"] = tables[1].everything.exists()
    return render_tables(request, "portal/programmes/applications.html", context, tables)
