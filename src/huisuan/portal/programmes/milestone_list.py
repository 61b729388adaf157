"""The milestones that are waited for: by when each is due and reported, what is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import programme_title
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.contract_desk.reporting import DueMilestone, describe_due, open_milestones
from huisuan.programmes.models import Milestone
from huisuan.programmes.workflow.queries import visible_applications

_READERS = ("user", "city", "province", "department", "treasury", "auditor")
_OVERDUE, _NEAR, _REPORTED, _LATER = (
    Word(_("逾期未报"), "bad"), Word(_("将到期"), "wait"), Word(_("已报告，待验收"), "wait"), Word(_("未到提醒日")),
)  # fmt: skip


def _prepare(rows: Sequence[Any]) -> None:
    """How each stands, for a page of rows at once."""
    for each in describe_due(rows, timezone.now()):
        each.milestone.__dict__["standing"] = _standing(each)


def _standing(each: DueMilestone) -> Word:
    if each.overdue:
        return _OVERDUE
    if each.reported:
        return _REPORTED
    return _NEAR if each.remind else _LATER


def milestone_table(request: HttpRequest, rows: QuerySet[Milestone], name: str = "") -> Table:
    """Milestones that are not accepted, the first due first; `name` where the page has another table."""
    return Table(
        request,
        rows,
        [
            Column(
                "number", _("申报"), "contract.application.number", Kind.CODE, "contract__application__number",
                link=lambda row: reverse("application", args=[row.contract.application.number]) + "#contract",
            ),
            Column("programme", _("申报程序"), lambda row: programme_title(row.contract.application.edition)),
            Column(
                "party", _("承担单位"), lambda row: local_name(row.contract.application.party),
                sort="contract__application__party__name",
            ),
            Column("milestone", _("节点"), lambda row: f"{row.number} {row.title}"),
            Column("due", _("到期"), "due_on", Kind.DAY, sort="due_on"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("state", _("状态"), lambda row: row.standing, Kind.STATE),
        ],
        file="milestones",
        name=name,
        prepare=_prepare,
        order="due",
        search=("contract__application__number", "contract__application__party__name", "title"),
        empty=Empty(_("没有等着的节点：合同签订之后，还没有验收的节点列在这里。")),
    )  # fmt: skip


@allow(*_READERS)
def milestone_list(request: HttpRequest) -> HttpResponseBase:
    """Those of the applications that the reader may see."""
    seen = visible_applications(viewer_of(request)).values("pk")
    table = milestone_table(request, open_milestones().filter(contract__application__in=seen))
    return render_tables(request, "portal/programmes/milestones.html", {"here": "applications"}, [table])
