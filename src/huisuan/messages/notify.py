"""Telling people something: what every other room calls, inside the transaction of the event."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from huisuan.messages.models import Channel, Frequency, Message, MessageFrequency
from huisuan.messages.recipients import Recipients, find_people, position_of
from huisuan.messages.texts import Values, text_of

_BATCH = 2000


@dataclass(frozen=True)
class Notice:
    """Something to tell: the sentence's code and values, to whom, the key that names the event, the page it leads to.

    Whoever belongs to several groups of recipients is told once. The key says what happened, not when it was tried:
    `job:0192…:ended`, `budget:12:2024:80`. `besides` is the username of who did it and knows it already.
    """

    code: str
    values: Values
    to: tuple[Recipients, ...]
    key: str
    link: str = ""
    besides: str = ""


def notify(
    code: str, values: Values, *, to: Iterable[Recipients], key: str, now: datetime, link: str = "", besides: str = ""
) -> None:
    """Tell one thing; told again under the same key, nothing happens.

    Raises:
        UnknownText: no such sentence, or not its values.
        RuntimeError: there is no transaction that holds the event and its message together.
    """
    notify_all([Notice(code, values, tuple(to), key, link, besides)], now)


def notify_all(notices: Iterable[Notice], now: datetime) -> None:
    """Tell many things with a few statements, however many they are; see `notify`."""
    if not connection.in_atomic_block:
        raise RuntimeError("a message is written in the transaction of its event")
    told = [(notice, text_of(notice.code, notice.values).kind) for notice in notices]
    people = find_people(group for notice, _ in told for group in notice.to)
    rows = {
        (person.pk, notice.key): Message(
            person=person, position=position_of(person), kind=kind, code=notice.code,
            values=dict(notice.values), link=notice.link, key=notice.key, at=now,
        )
        for notice, kind in told
        for group in notice.to
        for person in people.get(group, ())
        if not notice.besides or person.username != notice.besides
    }  # fmt: skip
    # in one order everywhere, so that two transactions that tell the same wait for each other and do not lock up
    _file_silently(rows.values(), now)
    Message.objects.bulk_create([rows[each] for each in sorted(rows)], batch_size=_BATCH, ignore_conflicts=True)


def _file_silently(messages: Collection[Message], now: datetime) -> None:
    """Of kinds that a person wants no word of on the page, the message is kept as one that was read."""
    silent = MessageFrequency.objects.filter(
        channel=Channel.PAGE, frequency=Frequency.NEVER, person__in={message.person_id for message in messages}
    )
    silenced = set(silent.values_list("person_id", "kind")) if messages else set()
    for message in messages:
        if (message.person_id, message.kind) in silenced:
            message.read_at = now
