"""The inbox of a person's posts: what waits, by when, the overdue first, and where to take it up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.applications.site_checks_shown import site_check_table
from huisuan.portal.programmes.milestone_list import milestone_table
from huisuan.portal.programmes.words import action_label, application_state, duty_label, programme_title
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Selection, Text
from huisuan.portal.ui.number_format import format_day
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.contract_desk.site_checks import checks_to_confirm
from huisuan.programmes.contract_desk.waiting import milestones_of_posts
from huisuan.programmes.models import Application, ProcedureEdition
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.review_desk.opinions import describe_opinions, opinions_waiting
from huisuan.programmes.workflow.due import overdue_rank
from huisuan.programmes.workflow.inbox import describe_waiting, waiting_applications

OFFICIALS = ("city", "province", "department", "treasury")


def due_word(due: WorkingDayCount | None, now: datetime) -> Word | None:
    """The last day, and whether it is over; of a year that nobody has published, until when it certainly is not."""
    if due is None:
        return None
    last = (due.ends_at or due.certain_until) - timedelta(microseconds=1)
    if due.ends_at is None:
        return Word(_t("至少到 {day}").format(day=format_day(last)), "wait")
    if due.ends_at <= now:
        return Word(_t("{day} 已过期").format(day=format_day(last)), "bad")
    return Word(format_day(last))


def applicant_name(application: Application) -> str:
    """The party that applies, or the city."""
    return local_name(application.party or application.city)


def programme_choice() -> Choice:
    """Applications of one programme, whatever edition of its procedure they are under."""

    def options(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        has_any = Exists(rows.order_by().filter(edition=OuterRef("pk")))  # a join would compare their whole texts
        found = ProcedureEdition.objects.filter(has_any).order_by("policy", "key", "-id")
        titles = {f"{one.policy} {one.key}": programme_title(one) for one in reversed(found)}
        return sorted(titles.items(), key=lambda pair: pair[1])

    def narrow(rows: QuerySet[Any], chosen: str) -> QuerySet[Any]:
        policy, key = chosen.split(" ", 1)
        return rows.filter(edition__policy=policy, edition__key=key)

    return Choice("programme", _("申报程序"), options, narrow)


def inbox_table(request: HttpRequest, person: Person, now: datetime) -> Table:
    """What waits for a person's posts of today."""
    today = now.astimezone(SHANGHAI).date()

    def prepare(rows: Sequence[Any]) -> None:
        for row, waiting in zip(rows, describe_waiting(rows, person, now), strict=True):
            row.waiting = waiting

    return Table(
        request,
        waiting_applications(person, now),
        [
            Column("number", _("编号"), "number", Kind.CODE, sort="number", link=_from_inbox),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("state", _("状态"), lambda row: application_state(row.state, person.role), Kind.STATE, "state"),
            Column("acts", _("可以办"), _acts),
            Column("amount", _("金额"), "amount_fen", Kind.FEN, sort="amount_fen"),
            Column("since", _("何时转来"), "state_since", Kind.MOMENT, sort="state_since", minor=True),
            Column("due", _("最晚"), lambda row: due_word(row.waiting.due, now), Kind.STATE, sort="due_rank"),
        ],
        file="inbox",
        order="due",
        search=("number", "party__name", "party__uscc"),
        choices=[
            programme_choice(),
            Choice("act", _("可以办"), lambda rows: _actions(rows, person, now), _with_action),
            Choice(
                "due",
                _("期限"),
                lambda _rows: [("overdue", _("已过期")), ("dated", _("有期限"))],
                lambda rows, due: (
                    rows.filter(due_rank__lte=overdue_rank(today))
                    if due == "overdue"
                    else rows.filter(due_rank__isnull=False)
                ),
            ),
        ],
        empty=Empty(_("现在没有等您办的：有申报走到您的岗位，就会列在这里，过期的在最前。")),
        prepare=prepare,
        selection=Selection(
            reverse("inbox-acts"),
            "number",
            _("一起办选中的"),
            lambda row: row.number,
            _("一起办筛选出的全部"),
            takes_away=False,
        ),
    )


def opinion_table(request: HttpRequest, person: Person, now: datetime) -> Table:
    """The cases on which the person's offices are to be heard before they are decided."""

    def prepare(rows: Sequence[Any]) -> None:
        for row, waiting in zip(rows, describe_opinions(rows, person, now), strict=True):
            row.waiting = waiting

    return Table(
        request,
        opinions_waiting(person, now),
        [
            Column(
                "number", _("编号"), "number", Kind.CODE, sort="number",
                link=lambda row: reverse("application", args=[row.number]) + "#opinions",
            ),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("offices", _("出具意见的单位"), lambda row: _t("、").join(row.waiting.offices)),
            Column("state", _("状态"), lambda row: application_state(row.state, person.role), Kind.STATE, "state"),
            Column("due", _("最晚"), lambda row: due_word(row.waiting.due, now), Kind.STATE),
        ],
        file="opinions",
        name="opinion",
        order="number",
        search=("number", "party__name", "party__uscc"),
        empty=Empty(_("没有等您的单位出具意见的申报。")),
        prepare=prepare,
    )  # fmt: skip


def _from_inbox(row: Any) -> str:
    return reverse("application", args=[row.number]) + "?from=inbox"


def _acts(row: Any) -> str:
    return _t("、").join(action_label(action) for action in row.waiting.actions)


def _actions(rows: QuerySet[Any], person: Person, now: datetime) -> Sequence[tuple[str, Text]]:
    duties = {post.duty for post in posts_in_force(person, now.astimezone(SHANGHAI).date())}
    edges = rows.order_by().filter(edition__edges__from_state=F("state"), edition__edges__duty__in=duties)
    return sorted(
        (action, action_label(action)) for action in set(edges.values_list("edition__edges__action", flat=True))
    )


def _with_action(rows: QuerySet[Any], action: str) -> QuerySet[Any]:
    return rows.filter(edition__edges__action=action, edition__edges__from_state=F("state"))


@allow(*OFFICIALS)
def inbox_page(request: HttpRequest) -> HttpResponseBase:
    """What waits for the posts of whoever looks."""
    assert isinstance(request.user, Person)
    now = timezone.now()
    table = inbox_table(request, request.user, now)
    milestones = milestone_table(request, milestones_of_posts(request.user, now), "milestone")
    opinions = opinion_table(request, request.user, now)
    checks = site_check_table(request, checks_to_confirm(request.user), "site")
    posts = posts_in_force(request.user, now.astimezone(SHANGHAI).date())
    context = {
        "here": "inbox",
        "posts": [(post, duty_label(post.duty)) for post in posts],
        "milestones": milestones.everything.exists(),
        "opinions": opinions.everything.exists(),
        "site_checks": checks.everything.exists(),
        "overdue": table.everything.filter(due_rank__lte=overdue_rank(now.astimezone(SHANGHAI).date())).count(),
    }
    return render_tables(request, "portal/programmes/inbox.html", context, [table, milestones, opinions, checks])
