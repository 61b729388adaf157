"""Telling a job's webhook about each step of its life: every event until it is taken, or tried often enough.

An event may arrive twice (its `id` tells), and a later one before an earlier one (its `at` tells).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Q

from huisuan.base.months import SHANGHAI
from huisuan.compute.keys import platform_key
from huisuan.compute.models import FINAL_STATES, JobEvent
from huisuan.messages.http_post import Network, NotDelivered
from huisuan.messages.signed_post import allowed_networks, post_signed

#: how long after the event the first, second, … try is made at the earliest
TRIES_AFTER = (
    timedelta(0),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
)
GIVEN_UP_AFTER = TRIES_AFTER[-1] + timedelta(hours=6)  # also where the platform was away
AT_ONCE = 16  # at the same time, so that one slow receiver does not hold up the others
BUDGET_SECONDS = 8.0  # of one call: the worker has other things to do

log = logging.getLogger(__name__)


def tell_webhooks(now: datetime, budget: float = BUDGET_SECONDS) -> int:
    """Tell what is due; returns how many messages were taken."""
    until, taken = time.monotonic() + budget, 0
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="notify") as pool:
        while time.monotonic() < until and (events := _claimed(now)):
            tell = partial(_delivered, networks=allowed_networks())
            urls, bodies = [event.job.notify_url for event in events], [_body(event, now) for event in events]
            delivered = pool.map(tell, urls, bodies, [str(event.pk) for event in events])
            done = [event.pk for event, well in zip(events, delivered, strict=True) if well]
            taken += JobEvent.objects.filter(pk__in=done).update(notified_at=now)
    return taken


@transaction.atomic
def _claimed(now: datetime) -> Sequence[JobEvent]:
    """Some events that are due, each counted as tried before it is: whoever dies now tries again later, not at once."""
    due = Q(pk__in=[])
    for tries, delay in enumerate(TRIES_AFTER):
        due |= Q(tries=tries, at__lte=now - delay)
    since = now - GIVEN_UP_AFTER
    events = (
        JobEvent.objects.filter(due, notified_at__isnull=True, at__gt=since)
        .filter(~Q(job__notify_url=""), Q(job__ended_at__isnull=True) | Q(job__ended_at__gt=since))
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("job__party", "centre")
        .defer("job__script", "job__command", "job__environment")
        .order_by("at", "pk")[:AT_ONCE]
    )
    found = list(events)
    JobEvent.objects.filter(pk__in=[event.pk for event in found]).update(tries=F("tries") + 1)
    return found


def _body(event: JobEvent, now: datetime) -> bytes:
    job = event.job
    message: dict[str, Any] = {
        "id": event.pk,
        "uid": job.uid,
        "name": job.name,
        "array_uid": job.array_uid,
        "array_index": job.array_index,
        "party": job.party.uscc,
        "run": event.run,
        "state": event.state,
        "at": _moment(event.at),
        "centre": event.centre.code if event.centre else None,
        "text": event.text,
        "exit_code": job.exit_code if event.state in FINAL_STATES else None,
        "sent_at": _moment(now),
    }
    return json.dumps(message, ensure_ascii=False).encode()


def _delivered(url: str, body: bytes, event: str, networks: Sequence[Network]) -> bool:
    try:
        post_signed(url, body, event, platform_key.sign, networks)
    except NotDelivered as reason:
        # only the host: the path is the receiver's secret
        log.info("event %s was not taken by %s: %s", event, urlsplit(url).hostname, reason)
        return False
    return True


def _moment(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()
