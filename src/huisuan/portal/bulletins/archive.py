"""Issued bulletins, for everyone: the list, one with what changed since the issue before, its signed files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import NotFound
from huisuan.bulletins.appeals.queries import appealable_rows
from huisuan.bulletins.desk.differences import compare_cells, compare_snapshots
from huisuan.bulletins.desk.queries import (
    get_issue,
    issue_before,
    issues_to_compare,
    list_issues,
    load_file,
    snapshot_of,
)
from huisuan.bulletins.desk.statement import STATEMENT
from huisuan.bulletins.issuing.composing import ComposedBulletin, compose_bulletin
from huisuan.bulletins.issuing.openness_letter import BulletinHead
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinKind
from huisuan.documents.letters import Letter
from huisuan.parties.models import Person
from huisuan.parties.route_access import public_page
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Column, Empty, Kind, Text
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables

BULLETIN_KIND_LABELS: Mapping[str, Text] = {
    BulletinKind.OPENNESS: _("开放程度"), BulletinKind.SCENARIOS: _("应用场景"), BulletinKind.USE: _("算力使用"),
    BulletinKind.MONEY: _("资金拨付"),
}  # fmt: skip
_FILE_LABELS: Mapping[str, Text] = {
    "bulletin.pdf": "PDF", "bulletin.docx": "DOCX", "bulletin.html": "HTML", "cells.csv": _("数据（CSV）"),
    "cells.json": _("数据（JSON）"), "manifest.json": _("清单"), "snapshot.json": _("快照"),
    "before.json": _("上期快照"), "template.docx": _("模板"), STATEMENT: _("签名的声明"),
}  # fmt: skip
_TYPES = {
    "csv": "text/csv; charset=utf-8", "pdf": "application/pdf", "html": "text/html; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip


def _standing(row: BulletinIssue) -> Word:
    return Word(_("已更正"), "plain") if getattr(row, "corrected_by", None) else Word(_("有效"), "good")


def _address(row: BulletinIssue) -> str:
    return reverse("bulletin", args=[row.bulletin_id])


_COLUMNS = [
    Column("number", _("文号"), "number", sort="number", link=_address),
    Column("period", _("哪一期"), "bulletin.period", sort="bulletin__period", link=_address),
    Column("kind", _("内容"), lambda row: str(BULLETIN_KIND_LABELS[row.bulletin.kind]), sort="bulletin__kind"),
    Column("office", _("发文机关"), "bulletin.office", sort="bulletin__office"),
    Column("day", _("成文日期"), "day", Kind.DAY, sort="day"),
    Column("figures", _("数据截至"), "bulletin.snapshot.day", Kind.DAY, sort="bulletin__snapshot__day", minor=True),
    Column("state", _("状态"), _standing, Kind.STATE),
]


@public_page
def archive_page(request: HttpRequest) -> HttpResponseBase:
    """Every bulletin that was issued, those that were corrected too."""
    table = Table(
        request, list_issues(), _COLUMNS, file="bulletins", order="-day",
        search=("number", "bulletin__period", "bulletin__office"), empty=Empty(_("还没有签发过通报。")),
    )  # fmt: skip
    context = {"here": "bulletins", "role": getattr(request.user, "role", "")}
    return render_tables(request, "portal/bulletins/archive.html", context, [table])


@public_page
def bulletin_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One issued bulletin: its words and tables, its files with their digests, what changed since the one before."""
    issue = _issue(number)
    others = issues_to_compare(issue)
    asked = request.GET.get("with", "")
    chosen = next((one for one in others if str(one.bulletin_id) == asked), None)
    before = chosen or issue.corrects or issue_before(issue)
    figures = snapshot_of(issue.bulletin)[0]
    context: dict[str, Any] = {
        "here": "bulletins", "issue": issue, "state": _standing(issue), **said_of(issue.bulletin),
        "may_appeal": bool(isinstance(request.user, Person) and appealable_rows(issue, request.user, timezone.now())),
        "files": [(name, _FILE_LABELS[name], issue.files.get(name, "")) for name in _FILE_LABELS
                  if name in issue.files or name == STATEMENT],
        "before": before, "others": others, "not_used": [] if chosen else refused(request, "with"),
        "differences": compare_snapshots(figures, snapshot_of(before.bulletin)[0]) if before else [],
        "moved": compare_cells(figures, snapshot_of(before.bulletin)[0]) if before else [],
        "newer": getattr(issue, "corrected_by", None),
    }  # fmt: skip
    return render(request, "portal/bulletins/bulletin.html", context)


def composed_of(bulletin: Bulletin) -> ComposedBulletin:
    """The words, tables and pictures of a bulletin, as its files have them."""
    now, before = snapshot_of(bulletin)
    return compose_bulletin(now, before, BulletinHead(bulletin.period, tuple(bulletin.demands)))


def letter_of(bulletin: Bulletin) -> Letter:
    """Its words and tables."""
    return composed_of(bulletin).letter


def said_of(bulletin: Bulletin) -> dict[str, Any]:
    """What a page shows of a bulletin: its letter, and its pictures, drawn by us with every name escaped."""
    composed = composed_of(bulletin)
    drawn = [(one.title, mark_safe(one.svg)) for one in composed.pictures]  # noqa: S308
    annexes = [(one, [list(zip(one.columns, row, strict=True)) for row in one.rows]) for one in composed.letter.annexes]
    return {"letter": composed.letter, "annexes": annexes, "pictures": drawn}


@public_page
def bulletin_file(request: HttpRequest, number: int, name: str) -> HttpResponseBase:
    """A file of an issued bulletin, to be kept: the same bytes for everybody."""
    try:
        content = load_file(_issue(number), name)
    except NotFound as wrong:
        raise Http404 from wrong
    answer = HttpResponse(content, content_type=_TYPES[name.rpartition(".")[2]])
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return answer


def _issue(number: int) -> BulletinIssue:
    try:
        return get_issue(number)
    except NotFound as wrong:
        raise Http404 from wrong
