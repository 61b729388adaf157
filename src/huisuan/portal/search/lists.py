"""The lists that are searched together: each as its own page shows and filters it, so each shows only what it shows.

A list is asked for the few rows of its first page; how many there are in all is counted on its own page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from huisuan.parties.viewer import Viewer
from huisuan.portal.applications.list import draft_table
from huisuan.portal.centres.views import centre_table
from huisuan.portal.documents.views import document_table
from huisuan.portal.jobs.list import job_table
from huisuan.portal.notices.views import notice_table
from huisuan.portal.opendata.views import catalogue_table
from huisuan.portal.parties.views import party_table
from huisuan.portal.people.views import person_table
from huisuan.portal.programmes.application_list import application_table
from huisuan.portal.programmes.calls import call_table
from huisuan.portal.programmes.posts import post_table
from huisuan.portal.registers.views import every_entry_table
from huisuan.portal.treasury.city_vouchers import payment_table
from huisuan.portal.treasury.debts import debt_table
from huisuan.portal.treasury.lines import line_table
from huisuan.portal.treasury.orders import order_table
from huisuan.portal.ui import navigation
from huisuan.portal.ui.columns import Cell, Text, cell
from huisuan.portal.ui.keyset_table import KeysetTable
from huisuan.portal.ui.table import Table
from huisuan.portal.whole.experts import expert_table

HITS_SHOWN = 5  # of each list
_ABOUT = 4  # columns beside the linked one that tell what a hit is

#: who asks; None: somebody who has not signed in
Searcher = Viewer | None


@dataclass(frozen=True)
class SearchedList:
    """A list that is searched: its page, by the name of the route, what it is called, and its table for who asks.

    Whoever has the page in their menu searches it, or the `room` of the menu that leads to it; one that is `public`
    anybody.
    """

    route: str
    label: Text
    table: Callable[[HttpRequest, Searcher], Table]
    public: bool = False
    room: str = ""


@dataclass(frozen=True)
class Hit:
    """One row that was found: its linked cell, and a few others that tell what it is."""

    title: Cell
    about: list[Cell]


@dataclass(frozen=True)
class FoundRows:
    """What was found on a list: the first rows, whether there are more, and where all of them are shown."""

    label: Text
    hits: list[Hit]
    more: bool
    href: str


def _own(table: Callable[[HttpRequest, Viewer], Table]) -> Callable[[HttpRequest, Searcher], Table]:
    """A table that is made for a viewer only."""

    def made(request: HttpRequest, asker: Searcher) -> Table:
        if asker is None:
            raise PermissionDenied
        return table(request, asker)

    return made


def _open(table: Callable[[HttpRequest], Table]) -> Callable[[HttpRequest, Searcher], Table]:
    """A table that is the same for everybody."""
    return lambda request, _asker: table(request)


LISTS = (
    SearchedList("applications", _("申报件"), _own(application_table)),
    SearchedList("drafts", pgettext_lazy("list", "草稿"), _own(draft_table)),
    SearchedList("parties", pgettext_lazy("list", "登记库"), _own(party_table)),
    SearchedList("experts", _("专家库"), _open(expert_table)),
    SearchedList("budget-lines", _("财政账"), _open(line_table)),
    SearchedList("orders", _("支付令"), _open(order_table), room="budget-lines"),
    SearchedList("debts", _("追回"), _open(debt_table), room="budget-lines"),
    SearchedList("city-payments", _("市级拨付"), _own(payment_table)),
    SearchedList("posts", _("岗位"), lambda request, asker: post_table(request, asker, timezone.localdate())),
    SearchedList("people", _("人员"), _open(person_table)),
    SearchedList("jobs", _("作业"), _own(job_table)),
    SearchedList("centres", _("智算中心"), _own(centre_table)),
    SearchedList(
        "calls", pgettext_lazy("list", "申报通知"), _open(lambda request: call_table(request, timezone.now())), True
    ),
    SearchedList("notices", pgettext_lazy("list", "公示"), _open(notice_table), True),
    SearchedList("documents", _("公文"), document_table, True),
    SearchedList("registers", _("名录"), _open(every_entry_table), True),
    SearchedList("opendata", _("开放数据"), _open(catalogue_table), True),
)


def search_lists(request: HttpRequest, asker: Searcher, text: str) -> list[FoundRows]:
    """What the lists that this asker may read have of a text; `request` asks each of them by its `q`."""
    return [found for each in LISTS if (found := _search(each, request, asker, text)) is not None]


def _search(each: SearchedList, request: HttpRequest, asker: Searcher, text: str) -> FoundRows | None:
    opens = any(
        room.route == (each.room or each.route)
        for subject in navigation.menu(asker.role if asker else "")
        for room in subject.rooms
    )
    if not (opens or each.public):
        return None
    table = each.table(request, asker)
    rows, more = _first_rows(table)
    href = f"{reverse(each.route)}?{urlencode({'q': text})}" if opens else ""
    return FoundRows(each.label, [_hit(table, row) for row in rows], more, href) if rows or more else None


def _first_rows(table: Table) -> tuple[list[Any], bool]:
    """The first rows, and whether there are or may be more: many rows are looked through a stretch at a time."""
    if isinstance(table, KeysetTable):
        table.most_rows = HITS_SHOWN
        return list(table.page_rows), bool(table.next)
    rows = list(table.filtered[: HITS_SHOWN + 1])
    shown = rows[:HITS_SHOWN]
    if table.prepare:
        table.prepare(shown)
    return shown, len(rows) > HITS_SHOWN


def _hit(table: Table, row: object) -> Hit:
    linked = next(column for column in table.columns if column.link)
    cells = [cell(column, row) for column in table.columns if column is not linked and not column.minor]
    told = [each for each in cells if each.word or each.column.of(row) not in (None, "")]
    return Hit(cell(linked, row), told[:_ABOUT])
