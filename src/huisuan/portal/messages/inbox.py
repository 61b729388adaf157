"""The inbox: what one was told, opened, marked read, taken back, filtered and exported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import NotFound
from huisuan.messages import queries, services
from huisuan.messages.models import Message
from huisuan.messages.texts import render_message
from huisuan.parties.route_access import allow
from huisuan.portal.account.views import person_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.table import Table, render_tables

_UNDO = "messages-undo"  # in the session: the moment of the last marking, and how many it marked
UNREAD, IS_READ = state_labels.Word(_("未读"), "wait"), state_labels.Word(_("已读"), "plain")


def _text(message: Message) -> str:
    return render_message(message.code, message.values, get_language() or "")


_COLUMNS = (
    Column("state", _("状态"), lambda message: IS_READ if message.read_at else UNREAD, Kind.STATE),
    Column("text", _("消息"), _text, link=lambda message: reverse("open-message", args=[message.pk])),
    Column("kind", _("种类"), lambda message: str(state_labels.MESSAGE_KIND[message.kind])),
    Column("at", _("时间"), "at", Kind.MOMENT, "id"),
)


def _kinds(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return list(state_labels.MESSAGE_KIND.items())


def _states(rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
    return [("unread", UNREAD.label), ("read", IS_READ.label)]


def _table(request: HttpRequest) -> Table:
    return Table(
        request,
        queries.inbox(person_of(request)),
        _COLUMNS,
        file="messages",
        order="-at",
        choices=[
            Choice("state", _("状态"), _states, lambda rows, state: rows.filter(read_at__isnull=state == "unread")),
            Choice("kind", _("种类"), _kinds, lambda rows, kind: rows.filter(kind=kind)),
        ],
        empty=Empty(
            _("还没有消息。作业结束、预算用到、封账、结果有变、有事待办时，这里会有一条。"),
        ),
    )


@allow(scope="read")
def message_list(request: HttpRequest) -> HttpResponseBase:
    """One's messages, newest first."""
    undo = request.session.get(_UNDO)
    context = {"here": "messages", "undo": undo, "query": request.GET.urlencode()}
    return render_tables(request, "portal/messages/messages.html", context, [_table(request)])


@allow(scope="read")
def open_message(request: HttpRequest, number: int) -> HttpResponseBase:
    """Mark one read and go where it leads."""
    person = person_of(request)
    try:
        message = queries.get_message(person, number)
    except NotFound:
        raise Http404 from None
    services.mark_read(queries.inbox(person).filter(pk=number), timezone.now())
    return redirect(message.link or "messages")


@allow(scope="read")
@require_POST
def mark_all_read(request: HttpRequest) -> HttpResponseBase:
    """Mark read what the filter of the address leaves; the page then offers to take it back."""
    now = timezone.now()
    table = _table(request)
    marked = 0 if table.refused else services.mark_read(table.filtered, now)
    if marked:
        request.session[_UNDO] = {"at": now.isoformat(), "count": marked}
    return _back(request)


@allow(scope="read")
@require_POST
def mark_unread(request: HttpRequest) -> HttpResponseBase:
    """Take back the last marking."""
    if undo := request.session.pop(_UNDO, None):
        services.mark_unread(person_of(request), datetime.fromisoformat(undo["at"]))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponseBase:
    query = request.GET.urlencode()
    return redirect(reverse("messages") + (f"?{query}" if query else ""))
