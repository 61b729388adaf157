"""Public notices: the list, one with its lines, an objection to a line, and what became of it. For anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import NotFound, Refused
from huisuan.parties.route_access import public_page
from huisuan.portal.documents.papers import read_papers
from huisuan.portal.programmes.words import refusal_status
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.applications.evidence_files import EXTENSIONS
from huisuan.programmes.models import NoticeLine, PublicNotice
from huisuan.programmes.models.limits import LARGEST_BYTES, MOST_OBJECTION_FILES
from huisuan.programmes.notices.api import objector_place
from huisuan.programmes.notices.objecting import OBJECTION_FIELDS, ObjectionRefused, ObjectionText, object_to_line
from huisuan.programmes.notices.queries import (
    end_of_notice,
    find_followed,
    get_notice,
    line_standings,
    list_notice_lines,
    list_notices,
    names_in_public,
)
from huisuan.programmes.publicity.ends import notice_ends
from huisuan.programmes.publicity.period import NoticeEnd

RUNNING, ENDED = Word(_("公示中"), "wait"), Word(_("已期满"))
LINE_WORDS = {
    "in_public": Word(_("公示中"), "wait"), "suspended": Word(_("有异议，暂停"), "bad"),
    "left": Word(_("已退出公示")), "clear": Word(_("公示无异议待办"), "good"),
}  # fmt: skip


def notice_table(request: HttpRequest) -> Table:
    """The notices, the newest first."""
    now, end_of = timezone.now(), notice_ends()
    return Table(
        request,
        list_notices(),
        [
            Column("number", _("编号"), "number", Kind.CODE, sort="number", link=_address),
            Column("title", _("公示"), "title", sort="title"),
            Column("office", _("发布单位"), "office", sort="office"),
            Column("state", _("状态"), lambda row: ENDED if end_of(row).has_passed(now) else RUNNING, Kind.STATE),
            Column("published", _("发布"), "published_at", Kind.MOMENT, sort="published_at"),
            Column("ends", _("最后一日（至 24:00）"), lambda row: last_notice_day(end_of(row)), Kind.DAY),
            Column("lines", _("件数"), "line_count", Kind.INTEGER),
        ],
        file="notices",
        order="-published",
        search=("number", "title", "office", "lines__applicant"),
        empty=Empty(_("还没有公示。")),
    )


@public_page
def notice_list(request: HttpRequest) -> HttpResponseBase:
    """The notices."""
    return render_tables(request, "portal/notices/notices.html", {"here": "notices"}, [notice_table(request)])


@public_page
def notice_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """One notice: who, what for, how much, until when; where there is an objection, that there is one."""
    notice = _notice(number)
    end = end_of_notice(notice)
    total = notice.lines.aggregate(fen=Sum("amount_fen"))["fen"] or 0
    tables = [_line_table(request, notice, end)]
    context = _about(notice, end) | {"total": total, "papers": read_papers(request, notice.number, ("publicity",))}
    return render_tables(request, "portal/notices/notice.html", context, tables)


def _line_table(request: HttpRequest, notice: PublicNotice, end: NoticeEnd) -> Table:
    now = timezone.now()
    running = not end.has_passed(now)

    def prepare(rows: Sequence[Any]) -> None:
        standing = line_standings(rows, end, now)
        persons = names_in_public(rows, standing)
        for row in rows:
            row.standing = standing[row.pk]
            row.shown = f"{row.applicant}（{'、'.join(persons[row.pk])}）" if row.pk in persons else row.applicant

    def objections(row: Any) -> Text:
        if row.objected:
            return _t("{n} 条，{waiting} 条待答复").format(n=row.objected, waiting=row.waiting)
        return _t("提异议") if running and row.standing != "left" else ""

    def form(row: Any) -> str | None:
        where = reverse("object-to-line", args=[notice.number, row.position])
        return where if running and row.standing != "left" else None

    return Table(
        request,
        list_notice_lines(notice),
        [
            Column("position", _("序号"), "position", Kind.INTEGER, sort="position"),
            Column("applicant", _("申报单位"), "shown", sort="applicant"),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen", total="amount_fen"),
            Column("reason", _("理由"), "reason", Kind.SENTENCE),
            Column("state", _("状态"), lambda row: LINE_WORDS[row.standing], Kind.STATE),
            Column("objections", _("异议"), objections, link=form),
        ],
        file=f"notice-{notice.number}",
        order="position",
        search=("applicant", "application__number"),
        empty=Empty(_("这份公示没有一件申报。")),
        prepare=prepare,
    )


@public_page
@require_http_methods(["GET", "POST"])
def objection_form(request: HttpRequest, number: str, position: int) -> HttpResponseBase:
    """Object to one line; sent, it leads to the page that shows what becomes of it."""
    notice = _notice(number)
    line = list_notice_lines(notice).filter(position=position).first()
    if line is None:
        raise Http404
    if request.method != "POST":
        return _form(request, notice, line)
    typed = {name: request.POST.get(name, "") for name in OBJECTION_FIELDS}
    sent = request.FILES.getlist("files")[: MOST_OBJECTION_FILES + 1]
    files = [(file.name or "", file.read(LARGEST_BYTES + 1)) for file in sent]
    try:
        made = object_to_line(
            number, position, ObjectionText(**typed, files=files), timezone.now(), place=objector_place(request)
        )
    except ObjectionRefused as refusal:
        wrong = {name: refusal_html(one) for name, one in refusal.wrong.items()}
        return _form(request, notice, line, typed=typed, wrong=wrong, status=422)
    except Refused as refusal:
        said = {"refused": refusal_html(refusal), "typed": typed}
        return _form(request, notice, line, status=refusal_status(refusal), **said)
    return redirect("objection", code=made.code)


@public_page
def follow_objection_page(request: HttpRequest) -> HttpResponseBase:
    """Type the code that was given when an objection came in."""
    typed = request.GET.get("code", "")
    context: dict[str, object] = {"here": "notices", "typed": typed}
    if typed:
        try:
            return redirect("objection", code=find_followed(typed).code)
        except NotFound as wrong:
            context |= {"wrong": refusal_html(wrong), "not_used": refused(request, "code")}
    return render(request, "portal/notices/follow.html", context, status=404 if typed else 200)


@public_page
def objection_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """What became of an objection; neither its name nor its contact."""
    try:
        found = find_followed(code)
    except NotFound as wrong:
        context = {"here": "notices", "typed": code, "wrong": refusal_html(wrong)}
        return render(request, "portal/notices/follow.html", context, status=404)
    known: dict[str, Any] = {"here": "notices", "objection": found, "answer": getattr(found, "answer", None)}
    return render(request, "portal/notices/objection.html", known)


def last_notice_day(end: NoticeEnd) -> Any:
    """The day with which a notice ends; None while nobody knows."""
    return timezone.localdate(end.ends_at - timedelta(seconds=1)) if end.ends_at else None


def _about(notice: PublicNotice, end: NoticeEnd) -> dict[str, Any]:
    now = timezone.now()
    return {
        "here": "notices", "notice": notice, "word": ENDED if end.has_passed(now) else RUNNING,
        "last_day": last_notice_day(end), "certain_day": timezone.localdate(end.certain_until - timedelta(seconds=1)),
        "running": not end.has_passed(now), "now": now,
    }  # fmt: skip


def _form(
    request: HttpRequest, notice: PublicNotice, line: NoticeLine, *, status: int = 200, **said: Any
) -> HttpResponse:
    end = end_of_notice(notice)
    standing = line_standings([line], end, timezone.now())[line.pk]
    context = {
        "line": line, "state": LINE_WORDS[standing], "open": not end.has_passed(timezone.now()) and standing != "left",
        "most_files": MOST_OBJECTION_FILES, "megabytes": LARGEST_BYTES // 1024**2, "accept": ",".join(EXTENSIONS),
        **_about(notice, end), "typed": {}, "wrong": {}, **said,
    }  # fmt: skip
    return render(request, "portal/notices/object.html", context, status=status)


def _notice(number: str) -> PublicNotice:
    try:
        return get_notice(number)
    except NotFound:
        raise Http404 from None


def _address(row: PublicNotice) -> str:
    return reverse("notice", args=[row.number])
