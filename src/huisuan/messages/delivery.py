"""Sending: mails and webhooks that are due, each until it is taken or was tried often enough, with pauses that grow.

A try is counted before it is made: a worker that is killed tries again later and not at once. A mail whose worker died
after the server took it goes out once more, with the same Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import get_connection
from django.db import transaction

from huisuan.base.text_length import shortened
from huisuan.messages.composing import compose_mail, compose_webhook
from huisuan.messages.http_post import Network, NotDelivered
from huisuan.messages.models import Channel, Delivery, Message
from huisuan.messages.preferences import MessagePreferences, preferences_of
from huisuan.messages.recipients import position_of
from huisuan.messages.routing import channels_of
from huisuan.messages.signed_post import Sign, allowed_networks, post_signed

#: how long after each try the next is made; after the last pause it has failed
PAUSES = (
    timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6),
    timedelta(minutes=10),
)  # fmt: skip
_AT_ONCE = 16
_BUDGET_SECONDS = 8.0  # of one call: the worker has other things to do
_LONGEST_ERROR = 300
GONE = "收件人已停用、调动，或不再要这种方式"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Parcel:
    """A delivery with all that is needed to send it without the database."""

    delivery: Delivery
    messages: Sequence[Message]
    wants: MessagePreferences


def deliver_due(now: datetime, sign: Sign, budget: float = _BUDGET_SECONDS) -> int:
    """Send what is due; returns how many were taken. `sign` is the platform's signature over a webhook's body."""
    until, taken = time.monotonic() + budget, 0
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="deliver") as pool:
        while time.monotonic() < until and (claimed := _claim(now)):
            parcels = _parcels(claimed, now)
            hooks = [parcel for parcel in parcels if parcel.delivery.channel == Channel.WEBHOOK]
            networks = allowed_networks() if hooks else []
            sending = [pool.submit(_post, parcel, now, sign, networks) for parcel in hooks]
            mails = [parcel for parcel in parcels if parcel.delivery.channel == Channel.MAIL]
            errors = [*_send_mails(mails), *(each.result() for each in sending)]
            for parcel, error in zip([*mails, *hooks], errors, strict=True):
                _note(parcel.delivery, error, now)
                taken += not error
    return taken


@transaction.atomic
def _claim(now: datetime) -> list[Delivery]:
    """Some deliveries that are due, each counted as tried; one whose tries are used up has failed."""
    due = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(due_at__lte=now, delivered_at=None, failed_at=None)
        .select_related("person")
        .order_by("due_at", "pk")[:_AT_ONCE]
    )
    claimed = []
    for delivery in due:
        if delivery.tries >= len(PAUSES):
            delivery.failed_at = now
        else:
            delivery.due_at = now + PAUSES[delivery.tries]
            delivery.tries += 1
            claimed.append(delivery)
        delivery.save(update_fields=["failed_at", "due_at", "tries"])
    return claimed


def _parcels(claimed: Sequence[Delivery], now: datetime) -> list[_Parcel]:
    """What is to be sent; whoever may not see it any more, or wants it no more this way, gets nothing."""
    preferences = preferences_of(delivery.person for delivery in claimed)
    parcels = []
    for delivery in claimed:
        wants, person = preferences[delivery.person_id], delivery.person
        here = person.is_active and position_of(person) == delivery.position
        messages = list(delivery.messages.order_by("id"))
        if here and messages and delivery.channel in channels_of(person, wants):
            parcels.append(_Parcel(delivery, messages, wants))
        else:
            Delivery.objects.filter(pk=delivery.pk).update(failed_at=now, error=GONE)
    return parcels


def _send_mails(parcels: Sequence[_Parcel]) -> list[str]:
    """Over one connection; returns for each why it was not taken, or nothing. One bad address holds up no other."""
    if not parcels:
        return []
    try:
        connection = get_connection()
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return [_words(error)] * len(parcels)
    try:
        return [_send_mail(parcel, connection) for parcel in parcels]
    finally:
        connection.close()


def _send_mail(parcel: _Parcel, connection: Any) -> str:
    mail = compose_mail(parcel.delivery, parcel.messages, parcel.wants.language)
    mail.connection = connection
    try:
        return "" if mail.send() else "邮件服务器没有收下"
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return _words(error)


def _post(parcel: _Parcel, now: datetime, sign: Sign, networks: Sequence[Network]) -> str:
    body = compose_webhook(parcel.delivery, parcel.messages, now)
    try:
        post_signed(parcel.wants.webhook_url, body, f"delivery-{parcel.delivery.pk}", sign, networks)
    except NotDelivered as error:
        return _words(error)
    except Exception as error:  # of one address; the mails of this round are sent and must be noted as such
        log.exception("webhook delivery %s", parcel.delivery.pk)
        return _words(error)
    return ""


def _note(delivery: Delivery, error: str, now: datetime) -> None:
    if not error:
        Delivery.objects.filter(pk=delivery.pk).update(delivered_at=now, error="")
        return
    over = delivery.tries >= len(PAUSES)
    Delivery.objects.filter(pk=delivery.pk).update(error=error, failed_at=now if over else None)
    level = logging.WARNING if over else logging.INFO
    log.log(level, "%s %s was not taken (try %s): %s", delivery.channel, delivery.pk, delivery.tries, error)


def _words(error: Exception) -> str:
    return shortened(str(error) or type(error).__name__, _LONGEST_ERROR)
