"""From messages to deliveries: what of it leaves the pages, for whom, when. The worker does this, no event waits.

Messages of one pass go to a person together, so that a thousand jobs that end at once are one mail. Those that end one
after the other all day are no hundred mails either: after `MOST_MAILS_AN_HOUR` the rest of the hour comes in one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count

from huisuan.messages.models import Channel, Delivery, Frequency, Message
from huisuan.messages.preferences import MessagePreferences, next_digest, preferences_of
from huisuan.messages.recipients import position_of
from huisuan.parties.models import Person

_BATCH = 1000
MOST_MAILS_AN_HOUR = 12  # at once, to a person; webhooks are read by programs and have no such limit
_HOUR = timedelta(hours=1)
_Envelope = tuple[int, str, str, datetime | None]  # person, position, channel, slot


@transaction.atomic
def route_messages(now: datetime) -> int:
    """Make the deliveries of some new messages, all or none of them; returns how many messages it saw."""
    new = (
        Message.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(routed=False)
        .select_related("person")
        .order_by("id")[:_BATCH]
    )
    messages = list(new)
    _fill(_envelopes(messages, now), now)
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(routed=True)
    return len(messages)


def channels_of(person: Person, preferences: MessagePreferences) -> list[str]:
    """By what a person can be reached outside the pages."""
    reached = [Channel.MAIL.value] if settings.HUISUAN_MAIL_HOST and person.email else []
    return [*reached, *([Channel.WEBHOOK.value] if preferences.webhook_url else [])]


def _envelopes(messages: list[Message], now: datetime) -> dict[_Envelope, list[Message]]:
    preferences = preferences_of(message.person for message in messages)
    found: dict[_Envelope, list[Message]] = defaultdict(list)
    for message in messages:
        person, wants = message.person, preferences[message.person_id]
        if not person.is_active or position_of(person) != message.position:
            continue
        for channel in channels_of(person, wants):
            frequency = wants.frequencies[message.kind, channel]
            if frequency != Frequency.NEVER:
                slot = next_digest(now, wants.digest_hour) if frequency == Frequency.DAILY else None
                found[person.pk, message.position, channel, slot].append(message)
    return found


def _fill(envelopes: dict[_Envelope, list[Message]], now: datetime) -> None:
    through = Delivery.messages.through
    links = []
    full = _had_their_mails({person for person, _, _, _ in envelopes}, now)
    for (person, position, channel, slot), messages in envelopes.items():
        held = slot is None and channel == Channel.MAIL and person in full
        delivery = _delivery(person, position, channel, _next_hour(now) if held else slot, now)
        links += [through(delivery_id=delivery.pk, message_id=message.pk) for message in messages]
    through.objects.bulk_create(links, ignore_conflicts=True)


def _had_their_mails(people: Collection[int], now: datetime) -> set[int]:
    """Who of these was sent as many mails at once within an hour as one may be sent."""
    sent = Delivery.objects.filter(person__in=people, channel=Channel.MAIL, slot=None, made_at__gt=now - _HOUR)
    counts = sent.order_by().values_list("person").annotate(count=Count("pk"))
    return {person for person, count in counts if count >= MOST_MAILS_AN_HOUR}


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR


def _delivery(person: int, position: str, channel: str, slot: datetime | None, now: datetime) -> Delivery:
    if slot is None:
        return Delivery.objects.create(person_id=person, position=position, channel=channel, made_at=now, due_at=now)
    return Delivery.objects.get_or_create(
        person_id=person, position=position, channel=channel, slot=slot, defaults={"made_at": now, "due_at": slot}
    )[0]
