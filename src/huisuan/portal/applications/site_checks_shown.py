"""Checks on site that wait for the word of the other of the two: the table of the inbox."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table
from huisuan.programmes.models import SiteCheck

_APPLICATION = "milestone.contract.application"


def site_check_table(request: HttpRequest, rows: QuerySet[SiteCheck], name: str) -> Table:
    """Those of some checks, the oldest first; each leads to the contract on the page of its application."""
    return Table(
        request,
        rows,
        [
            Column(
                "number", _("申报"), f"{_APPLICATION}.number", Kind.CODE,
                "milestone__contract__application__number",
                link=lambda row: reverse("application", args=[row.milestone.contract.application.number]) + "#contract",
            ),
            Column("party", _("承担单位"), lambda row: local_name(row.milestone.contract.application.party)),
            Column("milestone", _("节点"), lambda row: f"{row.milestone.number} {row.milestone.title}"),
            Column("day", _("日期"), "day", Kind.DAY, sort="day"),
            Column("by", _("登记人"), "by.name"),
            Column("text", _("看到了什么"), "text", minor=True),
        ],
        file="site-checks",
        name=name,
        order="day",
        empty=Empty(_("没有等您确认的现场核查。")),
    )  # fmt: skip
