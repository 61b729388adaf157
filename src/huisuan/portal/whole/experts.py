"""The experts of the pool, and one of them on one page: where it works, its ties, its seats, what it did when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.documents.queries import list_documents
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import programme_title
from huisuan.portal.related.tables import claims_table, documents_table, flags_table, ties_table
from huisuan.portal.ui.columns import Column, Empty, Kind, Text
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.portal.whole.happenings import Happening, HappeningSource, of_flags, of_ties
from huisuan.portal.whole.timeline import read_timeline, timeline_file
from huisuan.programmes.models import (
    AcceptanceSeat,
    AcceptanceVote,
    Application,
    ApplicationFlag,
    Expert,
    ExpertEntry,
    ExpertTie,
    FlagReason,
    PanelSeat,
    ScoreSheet,
    SeatEnd,
)
from huisuan.programmes.review.conflicts import is_active_on

_TAKES, _NOT = Word(_("在库"), "good"), Word(_("不在库"))


def _count_of(rows: QuerySet[Any]) -> Coalesce:
    """How many name the expert, counted beside it: a join would repeat every seat for every tie."""
    named = rows.filter(expert=OuterRef("pk")).order_by().values("expert").annotate(number=Count("pk"))
    return Coalesce(Subquery(named.values("number")), 0)


def expert_table(request: HttpRequest) -> Table:
    """Every expert, with what the pool says now and how many seats it was drawn into."""
    today = timezone.localdate()
    newest = ExpertEntry.objects.filter(expert=OuterRef("pk")).order_by("-pk")
    rows = Expert.objects.select_related("person").annotate(
        works_at=Subquery(newest.values("employer_name")[:1]), drawn=_count_of(PanelSeat.objects.all()),
        tied=_count_of(ExpertTie.objects.all()),
    )  # fmt: skip

    def prepare(shown: Any) -> None:
        entries = {one.expert_id: one for one in ExpertEntry.objects.filter(expert__in=shown).order_by("pk")}
        for row in shown:
            row.entry = entries.get(row.pk)

    return Table(
        request,
        rows,
        [
            Column("name", _("专家"), "person.name", sort="person__name", link=_address),
            Column("account", _("账号"), "person.username", Kind.CODE, sort="person__username"),
            Column("employer", _("工作单位"), "works_at", sort="works_at"),
            Column("fields", _("领域"), lambda row: "、".join(row.entry.fields) if row.entry else ""),
            Column(
                "state", _("状态"),
                lambda row: _TAKES if row.entry and row.person.is_active and is_active_on(row.entry, today) else _NOT,
                Kind.STATE,
            ),
            Column("ties", _("关联"), "tied", Kind.INTEGER, sort="tied"),
            Column("seats", _("席位"), "drawn", Kind.INTEGER, sort="drawn"),
        ],
        file="experts",
        order="name",
        search=("person__name", "person__username", "works_at"),
        prepare=prepare,
        empty=Empty(_("专家库还是空的。"), command="huisuan experts import FILE.csv"),
    )  # fmt: skip


def _address(row: Any) -> str:
    return reverse("whole-expert", args=[row.pk])


@allow("province", "auditor")
def expert_list(request: HttpRequest) -> HttpResponseBase:
    """The pool."""
    return render_tables(request, "portal/whole/experts.html", {"here": "experts"}, [expert_table(request)])


@allow("province", "auditor")
def expert_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One expert, whom only province and audit see whole: experts do not know each other."""
    viewer = viewer_of(request)
    expert = get_object_or_404(Expert.objects.select_related("person"), pk=number)
    file = f"expert-{expert.pk}"
    ties = ExpertTie.objects.filter(expert=expert)
    seats = PanelSeat.objects.filter(expert=expert)
    accepted = AcceptanceSeat.objects.filter(expert=expert)
    contracts = accepted.values("milestone__contract__application")
    claims = Application.objects.filter(pk__in=seats.values("application")) | Application.objects.filter(
        pk__in=contracts
    )
    claims = claims.select_related("party", "city", "edition")
    flags = ApplicationFlag.objects.filter(kind=FlagReason.LATE_RELATION, saw__person=expert.person.username)
    sources = [*_sources(expert), of_ties(ties), of_flags(flags)]
    if (answer := timeline_file(request, f"{file}-timeline", sources)) is not None:
        return answer
    documents = list_documents(viewer).filter(subject__in=claims.values("number"))
    timeline = read_timeline(request, sources)
    context = {
        "here": "experts", "expert": expert, "entries": expert.entries.select_related("employer").order_by("-pk"),
        "timeline": timeline, "not_used": timeline.not_used,
    }  # fmt: skip
    tables = [
        ties_table(request, ties, file), claims_table(request, claims, viewer.role, file),
        flags_table(request, flags, file), documents_table(request, documents, file),
    ]  # fmt: skip
    return render_tables(request, "portal/whole/expert.html", context, tables)


def _sources(expert: Expert) -> Iterable[HappeningSource]:
    """What the pool said when, and what the expert was drawn for and did."""
    entries = expert.entries.select_related("employer").order_by("-at")
    seats = PanelSeat.objects.filter(expert=expert).select_related("draw", "application__edition").order_by("-draw__at")
    ends = SeatEnd.objects.filter(seat__expert=expert).select_related("seat__application__edition").order_by("-at")
    sheets = ScoreSheet.objects.filter(seat__expert=expert).select_related("seat__application__edition").order_by("-at")
    accepted = AcceptanceSeat.objects.filter(expert=expert).select_related(
        "draw", "milestone__contract__application__edition"
    )
    votes = AcceptanceVote.objects.filter(seat__expert=expert).select_related(
        "seat__milestone__contract__application__edition"
    )
    # of what has one instant the later comes first, as everywhere in a timeline
    return (
        lambda most: (_of(one.seat.application, one.at, _("离开席位"), one.reason, one.by) for one in ends[:most]),
        lambda most: (_of(one.seat.application, one.at, _("评分")) for one in sheets[:most]),
        lambda most: (
            _of(one.application, one.draw.at, _drawn(one), one.draw.seed, one.draw.by) for one in seats[:most]
        ),
        lambda most: (
            _of(one.seat.milestone.contract.application, one.at, _voted(one), one.reason)
            for one in votes.order_by("-at")[:most]
        ),
        lambda most: (
            _of(one.milestone.contract.application, one.draw.at, _("抽为验收"), one.draw.seed, one.draw.by)
            for one in accepted.order_by("-draw__at")[:most]
        ),
        lambda most: (
            Happening(one.at, _("专家库登记"), _employer(one), "、".join(one.fields), by=one.by)
            for one in entries[:most]
        ),
    )


def _drawn(seat: PanelSeat) -> Text:
    return _("抽为候补") if seat.alternate else _("抽为评审")


def _voted(vote: AcceptanceVote) -> Text:
    return _("离开席位") if vote.left else _("验收表决")


def _employer(entry: ExpertEntry) -> str:
    return local_name(entry.employer) if entry.employer else entry.employer_name


def _of(application: Application, at: datetime, what: Text, said: str = "", by: str = "") -> Happening:
    title = f"{application.number} {programme_title(application.edition)}"
    return Happening(at, what, title, said, reverse("application", args=[application.number]), by=by)
