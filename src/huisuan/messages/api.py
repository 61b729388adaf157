"""One's messages over HTTP: read, mark, and choose how to be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router

from huisuan.base.errors import InvalidRequest
from huisuan.messages import queries, services
from huisuan.messages.composing import message_to_dict
from huisuan.messages.models import MessageKind
from huisuan.messages.preferences import preferences_of, save_preferences
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import messages as wire

router = Router(tags=["消息"])
_MOST_AT_ONCE = 200
_FAILURES = 20


@router.get("/messages", response=wire.InboxPage, auth=Allow(scope="read"), summary="我的消息，最新的在前")
def list_messages(
    request: HttpRequest,
    unread: Annotated[bool, Query(description="只要未读的")] = False,
    kind: Annotated[str | None, Query(description="只要一种")] = None,
    limit: int = 50,
    before: Annotated[int | None, Query(description="上一页给出的 next")] = None,
) -> wire.InboxPage:
    """Some messages; `before` is the `next` of the page before."""
    if not 1 <= limit <= _MOST_AT_ONCE:
        raise InvalidRequest(f"limit {limit}：应在 1 至 {_MOST_AT_ONCE} 之间", code="page.limit_out_of_bounds")
    if kind is not None and kind not in MessageKind.values:
        raise InvalidRequest(f"种类 {kind}：只能是 {'、'.join(MessageKind.values)}", code="message.kind_unknown")
    person = _person(request)
    rows = queries.inbox(person)
    rows = rows.filter(read_at__isnull=True) if unread else rows
    rows = rows.filter(kind=kind) if kind else rows
    rows = rows.filter(pk__lt=before) if before is not None else rows
    found = list(rows[: limit + 1])
    return wire.InboxPage(
        items=[wire.InboxMessage(**message_to_dict(message)) for message in found[:limit]],
        next=found[limit - 1].pk if len(found) > limit else None,
        unread=queries.unread_count(person),
    )


@router.post("/messages/read", response=wire.Marked, auth=Allow(scope="submit"), summary="标为已读，或改回未读")
def mark_messages(request: HttpRequest, asked: wire.MarkRead) -> wire.Marked:
    """Mark some, or all, read; or some unread again."""
    if not asked.read and asked.ids is None:
        raise InvalidRequest("改回未读须写明 ids", code="message.ids_missing")
    rows = queries.inbox(_person(request))
    rows = rows if asked.ids is None else rows.filter(pk__in=asked.ids)
    change = services.mark_read(rows, datetime.now(UTC)) if asked.read else services.reopen(rows)
    return wire.Marked(marked=change)


@router.get("/messages/settings", response=wire.MessageSettings, auth=Allow(scope="manage"), summary="我的消息设置")
def show_settings(request: HttpRequest) -> wire.MessageSettings:
    """How one is told. The scope is manage: a webhook's address is a secret."""
    return _settings(_person(request))


@router.post("/messages/settings", response=wire.MessageSettings, auth=Allow(scope="manage"), summary="改消息设置")
def change_settings(request: HttpRequest, asked: wire.MessageSettingsChange) -> wire.MessageSettings:
    """Change what is named; 422 with the reason where it cannot be."""
    person = _person(request)
    now = preferences_of([person])[person.pk]
    named = {
        name: value
        for name in ("language", "digest_hour", "webhook_url")
        if (value := getattr(asked, name)) is not None
    }
    chosen = {(kind, channel): how for kind, ways in asked.frequencies.items() for channel, how in ways.items()}
    save_preferences(person, replace(now, **named, frequencies=chosen))
    return _settings(person)


def _settings(person: Person) -> wire.MessageSettings:
    holds = preferences_of([person])[person.pk]
    frequencies: dict[str, dict[str, str]] = {}
    for (kind, channel), how in holds.frequencies.items():
        frequencies.setdefault(kind, {})[channel] = how
    return wire.MessageSettings(
        language=holds.language, digest_hour=holds.digest_hour, webhook_url=holds.webhook_url, frequencies=frequencies,
        mail=person.email if settings.HUISUAN_MAIL_HOST else "",
        failed=[
            wire.FailedDelivery(
                channel=failed.channel, at=failed.made_at, tries=failed.tries, error=failed.error,
                given_up=failed.failed_at is not None,
            )
            for failed in queries.failed_deliveries(person)[:_FAILURES]
        ],
    )  # fmt: skip


def _person(request: HttpRequest) -> Person:
    return Person.objects.get(username=viewer_of(request).name)
