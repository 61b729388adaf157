"""How one wants to be told: a grid of kinds and channels, the hour, language and webhook; and what failed lately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import Refused
from huisuan.messages.models import Channel, Frequency
from huisuan.messages.preferences import DEFAULTS, MessagePreferences, preferences_of, save_preferences
from huisuan.messages.queries import failed_deliveries
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.account.views import person_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.forms import Choice, choices
from huisuan.portal.ui.refusals import refusal_html

_CHANNELS: dict[str, str | Promise] = {
    Channel.PAGE: _("站内"),
    Channel.MAIL: _("邮件"),
    Channel.WEBHOOK: _("Webhook"),
}
_FREQUENCIES: dict[str, str | Promise] = {
    Frequency.NOW: _("即时"),
    Frequency.DAILY: _("每日汇总"),
    Frequency.NEVER: _("不要"),
}
_FAILURES_SHOWN = 10


@dataclass(frozen=True)
class _Cell:
    """How often, for one kind and channel: the name of the select, what it is for, its choices."""

    name: str
    channel: str
    label: str
    options: tuple[Choice, ...]


@allow(scope="read")
def message_settings(request: HttpRequest) -> HttpResponseBase:
    """Show it, or keep what was chosen."""
    person = person_of(request)
    if request.method != "POST":
        return _page(request, person, preferences_of([person])[person.pk])
    asked = _asked(request)
    try:
        save_preferences(person, asked)
    except Refused as refusal:
        return _page(request, person, asked, refusal_html(refusal))
    messages.success(request, _t("已保存。"))
    return redirect("message-settings")


def _asked(request: HttpRequest) -> MessagePreferences:
    posted = request.POST
    hour = posted.get("digest_hour", "")
    return MessagePreferences(
        language=posted.get("language", ""),
        digest_hour=int(hour) if hour.isascii() and hour.isdigit() and len(hour) < 3 else -1,
        webhook_url=posted.get("webhook_url", "").strip(),
        frequencies={key: posted[_name(key)] for key in DEFAULTS if _name(key) in posted},
    )


def _page(request: HttpRequest, person: Person, shown: MessagePreferences, refused: str = "") -> HttpResponseBase:
    frequencies = {**DEFAULTS, **shown.frequencies}
    context: dict[str, Any] = {
        "here": "messages",
        "refused": refused,
        "channels": _CHANNELS.values(),
        "rows": [
            (label, [_cell(kind, str(label), channel, frequencies[kind, channel]) for channel in _CHANNELS])
            for kind, label in state_labels.MESSAGE_KIND.items()
        ],
        "hours": choices([(str(hour), f"{hour:02d}:00") for hour in range(24)], str(shown.digest_hour)),
        "languages": choices(settings.LANGUAGES, shown.language),
        "webhook_url": shown.webhook_url,
        "mail_on": bool(settings.HUISUAN_MAIL_HOST),
        "email": person.email,
        "failures": [
            (delivery, _CHANNELS[delivery.channel]) for delivery in failed_deliveries(person)[:_FAILURES_SHOWN]
        ],
    }
    answer = render(request, "portal/messages/settings.html", context, status=422 if refused else 200)
    answer["Cache-Control"] = "no-store"  # the webhook's path is a secret
    return answer


def _cell(kind: str, label: str, channel: str, chosen: str) -> _Cell:
    offered = [
        (value, str(name))
        for value, name in _FREQUENCIES.items()
        if channel != Channel.PAGE or value != Frequency.DAILY
    ]
    return _Cell(
        _name((kind, channel)), str(_CHANNELS[channel]), f"{label} · {_CHANNELS[channel]}", choices(offered, chosen)
    )


def _name(key: tuple[str, str]) -> str:
    return ".".join(key)
