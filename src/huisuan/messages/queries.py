"""What a person finds in their inbox: what was told to them as who they are now, and nothing from before a move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huisuan.base.errors import NotFound
from huisuan.messages.models import Delivery, Message
from huisuan.messages.recipients import position_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from huisuan.parties.models import Person

#: more unread ones are not counted: the header says "99+", and no count grows with the inbox
COUNTED_UNREAD = 99


def inbox(person: Person) -> QuerySet[Message]:
    """A person's messages, newest first."""
    return Message.objects.filter(person=person, position=position_of(person)).order_by("-id")


def unread_count(person: Person) -> int:
    """How many are unread, `COUNTED_UNREAD` + 1 for more than that. One look at an index of the unread alone."""
    return inbox(person).filter(read_at__isnull=True).order_by()[: COUNTED_UNREAD + 1].count()


def get_message(person: Person, number: int) -> Message:
    """One of a person's messages.

    Raises:
        NotFound: no such one of theirs.
    """
    found = inbox(person).filter(pk=number).first()
    if found is None:
        raise NotFound(f"消息 {number}：没有这一条", code="message.unknown")
    return found


def failed_deliveries(person: Person) -> QuerySet[Delivery]:
    """Mails and webhook calls to a person that were not taken, for good or so far, newest first."""
    mine = Delivery.objects.filter(person=person, position=position_of(person), delivered_at=None)
    return mine.exclude(error="").order_by("-id")
