"""How a person wants to be told: per kind and channel how often, in which language, at which hour, to which webhook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.messages.models import Channel, Delivery, Frequency, MessageAddress, MessageFrequency, MessageKind
from huisuan.messages.webhook_address import LONGEST_WEBHOOK, webhook_address_fault

if TYPE_CHECKING:
    from huisuan.parties.models import Person

KindAndChannel = tuple[str, str]  # kind and channel
_LANGUAGES = ("zh-hans", "en")
DEFAULT_HOUR = 8
#: what holds where nothing was chosen: the page at once, a webhook (once there is one) too, mail once a day and
#: none of it for jobs, which may end by the thousand
DEFAULTS: dict[KindAndChannel, str] = {
    (kind, channel): str(Frequency.NOW if channel != Channel.MAIL else Frequency.DAILY)
    for kind in MessageKind.values
    for channel in Channel.values
} | {(str(MessageKind.JOB_ENDED), str(Channel.MAIL)): str(Frequency.NEVER)}


@dataclass(frozen=True)
class MessagePreferences:
    """All of it, as it holds for a person."""

    language: str = _LANGUAGES[0]
    digest_hour: int = DEFAULT_HOUR
    webhook_url: str = ""
    frequencies: Mapping[KindAndChannel, str] = field(default_factory=lambda: dict(DEFAULTS))


def preferences_of(people: Iterable[Person]) -> dict[int, MessagePreferences]:
    """What holds for each of these people, by primary key, in two queries."""
    keys = {person.pk for person in people}
    chosen: dict[int, dict[KindAndChannel, str]] = {key: dict(DEFAULTS) for key in keys}
    for row in MessageFrequency.objects.filter(person__in=keys):
        chosen[row.person_id][row.kind, row.channel] = row.frequency
    addresses = {row.person_id: row for row in MessageAddress.objects.filter(person__in=keys)}
    return {
        key: MessagePreferences(
            language=addresses[key].language,
            digest_hour=addresses[key].digest_hour,
            webhook_url=addresses[key].webhook_url,
            frequencies=chosen[key],
        )
        if key in addresses
        else MessagePreferences(frequencies=chosen[key])
        for key in keys
    }


@transaction.atomic
def save_preferences(person: Person, asked: MessagePreferences) -> None:
    """Keep what a person chose; what is not to be told any more and has not been tried yet is dropped.

    Raises:
        InvalidRequest: an unknown kind, channel, frequency or language, an hour that no day has, no webhook address.
    """
    _check(asked)
    MessageAddress.objects.update_or_create(
        person=person,
        defaults={
            "language": asked.language, "digest_hour": asked.digest_hour, "webhook_url": asked.webhook_url,
        },
    )  # fmt: skip
    rows = [
        MessageFrequency(person=person, kind=kind, channel=channel, frequency=frequency)
        for (kind, channel), frequency in asked.frequencies.items()
    ]
    MessageFrequency.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["person", "kind", "channel"], update_fields=["frequency"]
    )
    for (kind, channel), frequency in asked.frequencies.items():
        if frequency == Frequency.NEVER and channel != Channel.PAGE:
            _drop(person, kind, channel)


def next_digest(now: datetime, hour: int) -> datetime:
    """The next time after `now` that it is this hour at Asia/Shanghai."""
    today = now.astimezone(SHANGHAI).replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


def _drop(person: Person, kind: str, channel: str) -> None:
    untried = Delivery.objects.filter(person=person, channel=channel, tries=0, delivered_at=None, failed_at=None)
    Delivery.messages.through.objects.filter(delivery__in=untried, message__kind=kind).delete()
    untried.filter(messages=None).delete()


def _check(asked: MessagePreferences) -> None:
    for (kind, channel), frequency in asked.frequencies.items():
        if (kind, channel) not in DEFAULTS:
            raise InvalidRequest(f"{kind}/{channel}：没有这种消息或方式", code="message.kind_unknown")
        allowed = [each for each in Frequency.values if channel != Channel.PAGE or each != Frequency.DAILY]
        if frequency not in allowed:
            raise InvalidRequest(
                f"{kind}/{channel} 的频率 {frequency}：只能是 {'、'.join(allowed)}", code="message.frequency_unknown"
            )
    if not 0 <= asked.digest_hour <= 23:
        raise InvalidRequest(f"汇总时刻 {asked.digest_hour}：应是 0 至 23 的整点", code="message.hour_out_of_bounds")
    if asked.language not in _LANGUAGES:
        raise InvalidRequest(f"语言 {asked.language}：只能是 {'、'.join(_LANGUAGES)}", code="message.language_unknown")
    _check_webhook(asked.webhook_url)


def _check_webhook(url: str) -> None:
    fault = webhook_address_fault(url) if url else ""
    if fault == "password":
        raise InvalidRequest("通知网址里不要写用户名和口令：请用路径里的随机串", code="message.webhook_has_password")
    if fault:
        raise InvalidRequest(
            f"通知网址：应形如 https://主机/路径，只能是 http 或 https，至多 {LONGEST_WEBHOOK} 个字符",
            code="message.webhook_malformed",
        )
