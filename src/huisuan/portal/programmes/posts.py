"""Posts of offices: who holds which, given and ended on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.words import duty_label, refusal_status
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.models import OFFICIAL_DUTIES, Office, Post
from huisuan.programmes.offices import end_post, give_post, posts_in_force
from huisuan.programmes.offices.queries import get_post, is_in_force, list_posts, offices_known

_READERS = ("city", "province", "department", "treasury", "auditor", "operator")
_GIVERS = ("province", "operator")
_IN_FORCE, _LATER, _OVER = Word(_("在任"), "good"), Word(_("未到"), "wait"), Word(_("已结束"))


def _standing(post: Post, today: date) -> Word:
    if is_in_force(post, today):
        return _IN_FORCE
    return _LATER if post.from_day > today and post.ended_on is None else _OVER


def post_table(request: HttpRequest, viewer: Viewer | None, today: date) -> Table:
    """Every post that was ever given, the newest first; offices are linked where `viewer` may open them."""

    def offices(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        return [
            (name, name) for name in Office.objects.filter(posts__in=rows).distinct().values_list("name", flat=True)
        ]

    assert isinstance(request.user, Person)
    whole, own = viewer is not None and viewer.sees_everything, _own_offices(request.user, today)
    in_force = Q(from_day__lte=today) & (Q(until_day__isnull=True) | Q(until_day__gte=today))
    in_force &= Q(ended_on__isnull=True) | Q(ended_on__gte=today)
    return Table(
        request,
        list_posts(),
        [
            Column("number", _("编号"), lambda row: str(row.pk), Kind.CODE, sort="id", link=_address),
            Column("person", _("谁"), "person.name", sort="person__name"),
            Column(
                "office",
                _("任职单位"),
                "office.name",
                sort="office__name",
                link=lambda row: (
                    reverse("whole-office", args=[row.office_id]) if whole or row.office_id in own else None
                ),
            ),
            Column("duty", _("职责"), lambda row: duty_label(row.duty), sort="duty"),
            Column("state", _("状态"), lambda row: _standing(row, today), Kind.STATE),
            Column("from", _("自"), "from_day", Kind.DAY, sort="from_day"),
            Column("until", _("止于"), lambda row: row.ended_on or row.until_day, Kind.DAY, sort="until_day"),
            Column("given", _("谁给的"), "given_by.name", minor=True),
        ],
        file="posts",
        order="-number",
        search=("person__name", "person__username", "office__name"),
        choices=[
            Choice("office", _("任职单位"), offices, lambda rows, name: rows.filter(office__name=name)),
            Choice("duty", _("职责"), _duties, lambda rows, duty: rows.filter(duty=duty)),
            Choice(
                "force",
                _("状态"),
                lambda _rows: [("yes", _("在任")), ("no", _("不在任"))],
                lambda rows, yes: rows.filter(in_force) if yes == "yes" else rows.exclude(in_force),
            ),
        ],
        empty=Empty(_("还没有岗位：由省专班人员或平台管理员给予，单位出自政策文本。")),
    )


def _own_offices(person: Person, today: date) -> set[int]:
    return set(posts_in_force(person, today).values_list("office_id", flat=True))


def sees_office(person: Person, office: Office, today: date) -> bool:
    """Whether the page of an office answers somebody: province and audit, and who holds a post in it."""
    return Viewer.for_person(person).sees_everything or office.pk in _own_offices(person, today)


def _address(row: Any) -> str:
    return reverse("post", args=[row.pk])


def _duties(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    present = set(rows.order_by().values_list("duty", flat=True))
    return [(duty, duty_label(duty)) for duty in OFFICIAL_DUTIES if duty in present]


@allow(*_READERS)
def post_list(request: HttpRequest) -> HttpResponseBase:
    """The posts."""
    context = {"here": "posts", "may_give": viewer_of(request).role in _GIVERS}
    table = post_table(request, viewer_of(request), timezone.localdate())
    return render_tables(request, "portal/programmes/posts.html", context, [table])


@allow(*_GIVERS)
@require_http_methods(["GET", "POST"])
def new_post(request: HttpRequest) -> HttpResponseBase:
    """Give a post."""
    typed = {name: request.POST.get(name, "").strip() for name in ("person", "office", "duty", "from", "until", "for")}
    refused: Refused | None = None
    if request.method == "POST":
        try:
            made = _give(request, typed)
        except Refused as refusal:
            refused = refusal
        else:
            messages.success(request, _t("岗位已给予。"))
            return redirect("post", number=made.pk)
    context = {
        "here": "posts",
        "typed": typed,
        "offices": offices_known(),
        "duties": [(duty, duty_label(duty)) for duty in OFFICIAL_DUTIES],
        "refused": refusal_html(refused) if refused else "",
    }
    return render(
        request, "portal/programmes/new_post.html", context, status=refusal_status(refused) if refused else 200
    )


def _give(request: HttpRequest, typed: dict[str, str]) -> Post:
    assert isinstance(request.user, Person)
    person = Person.objects.filter(username=typed["person"], is_active=True).first()
    if person is None:
        raise NotFound("没有这个账号，或已停用：请核对", code="post.person_unknown")
    first, last = _day(typed["from"]), _day(typed["until"])
    if first is None:
        raise InvalidRequest("岗位须写明自哪天起", code="post.day_missing")
    held = get_post(int(typed["for"])) if typed["for"].isascii() and typed["for"].isdigit() else None
    return give_post(
        person, typed["office"], typed["duty"], first, request.user, timezone.now(), until_day=last, stands_in_for=held
    )  # fmt: skip


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("日期读不出：写作 2024-01-31", code="post.day_malformed") from None


def _last_day(text: str) -> date:
    found = _day(text)
    if found is None:
        raise InvalidRequest("须写明岗位的最后一天", code="post.day_missing")
    return found


@allow(*_READERS)
@require_http_methods(["GET", "POST"])
def post_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One post, and its end: by whoever gives posts, or by its holder."""
    post = list_posts().select_related("stands_in_for__person").filter(pk=number).first()
    if post is None:
        raise Http404
    assert isinstance(request.user, Person)
    if request.method != "POST":
        return _shown(request, post, "")
    typed = request.POST.get("last", "").strip()
    try:
        end_post(post, _last_day(typed), request.user, timezone.now())
    except Refused as refusal:
        return _shown(request, post, typed, refusal)
    messages.success(request, _t("岗位的最后一天已记下。"))
    return redirect("post", number=number)


def _shown(request: HttpRequest, post: Post, typed: str, refused: Refused | None = None) -> HttpResponse:
    today, may = timezone.localdate(), viewer_of(request).role in _GIVERS or request.user.pk == post.person_id
    context = {
        "here": "posts",
        "post": post,
        "duty": duty_label(post.duty),
        "word": _standing(post, today),
        "may_end": may and post.ended_on is None and (post.until_day is None or post.until_day >= today),
        "typed": typed or today.isoformat(),
        "refused": refusal_html(refused) if refused else "",
    }
    return render(request, "portal/programmes/post.html", context, status=refusal_status(refused) if refused else 200)
