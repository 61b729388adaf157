"""What a person does with messages: mark them read, and take that back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from huisuan.messages.models import Delivery, Message
from huisuan.messages.queries import inbox

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from huisuan.parties.models import Person

_KEPT = timedelta(days=400)


@transaction.atomic
def forget_old_messages(now: datetime) -> int:
    """Delete messages, and their deliveries, of more than 400 days ago; returns how many messages."""
    old = Message.objects.filter(at__lt=now - _KEPT)
    Delivery.messages.through.objects.filter(message__in=old).delete()
    Delivery.objects.filter(messages=None, made_at__lt=now - _KEPT).delete()
    return old.delete()[0]


def mark_read(messages: QuerySet[Message], now: datetime) -> int:
    """Mark these read (of `queries.inbox`), but for those that are; returns how many it changed.

    They all bear the moment `now`, by which `mark_unread` finds them again.
    """
    return messages.filter(read_at__isnull=True).order_by().update(read_at=now)


def mark_unread(person: Person, read_at: datetime) -> int:
    """Take back what was marked at that moment; returns how many."""
    return inbox(person).filter(read_at=read_at).order_by().update(read_at=None)


def reopen(messages: QuerySet[Message]) -> int:
    """Make these unread again; returns how many it changed."""
    return messages.exclude(read_at=None).order_by().update(read_at=None)
