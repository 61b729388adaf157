"""What a delivery says: a mail, or the body of a webhook, in the language of whom it goes to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage

from huisuan.base.months import SHANGHAI
from huisuan.messages.models import Delivery, Message
from huisuan.messages.texts import ENGLISH, render_message

_MOST_LINES = 200  # of one mail; the page has the rest
_LONGEST_SUBJECT = 150
_SAYS = {
    "zh-hans": {
        "digest": "[惠算] {count} 条消息", "more": "……另有 {count} 条，见平台的消息页。",
        "why": "您收到这封信，因为平台上的账号 {account} 要了它。要少收或不收，请改消息设置", "is": "：",
    },
    "en": {
        "digest": "[Huisuan] {count} messages", "more": "... and {count} more on the platform's page of messages.",
        "why": "You get this mail because the account {account} asked for it. Change how often in its settings",
        "is": ": ",
    },
}  # fmt: skip


def compose_mail(delivery: Delivery, messages: Sequence[Message], language: str) -> EmailMessage:
    """The mail of a delivery. Each line is one message on one line, whatever a name in it holds.

    Its Message-ID is the delivery's: a mail that was sent again after a killed worker is the same mail.
    """
    says = _SAYS[language]
    lines = [_mail_line(message, language) for message in messages[:_MOST_LINES]]
    if len(messages) > _MOST_LINES:
        lines.append(says["more"].format(count=len(messages) - _MOST_LINES))
    why = says["why"].format(account=delivery.person.username)
    settings_page = page_address("/messages/settings")
    foot = f"{why}{says['is']}{settings_page}" if settings_page else why
    return EmailMessage(
        subject=_subject(messages, language),
        body="\n\n".join([*lines, f"-- \n{foot}"]) + "\n",
        from_email=settings.HUISUAN_MAIL_FROM,
        to=[delivery.person.email],
        headers={
            "Message-ID": f"<delivery-{delivery.pk}@{_domain()}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": language,
        },
    )


def compose_webhook(delivery: Delivery, messages: Sequence[Message], now: datetime) -> bytes:
    """The JSON that a webhook is sent, with both languages and the parts of each sentence."""
    body: dict[str, Any] = {
        "delivery": delivery.pk,
        "messages": [message_to_dict(message) for message in messages],
        "sent_at": now.astimezone(SHANGHAI).isoformat(),
    }
    return json.dumps(body, ensure_ascii=False).encode()


def message_to_dict(message: Message) -> dict[str, Any]:
    """A message as the API and webhooks give it."""
    return {
        "id": message.pk, "kind": message.kind, "code": message.code, "values": message.values,
        "text": render_message(message.code, message.values, "zh-hans"),
        "text_en": render_message(message.code, message.values, ENGLISH),
        "link": message.link, "at": message.at.astimezone(SHANGHAI).isoformat(),
        "read_at": message.read_at.astimezone(SHANGHAI).isoformat() if message.read_at else None,
    }  # fmt: skip


def page_address(link: str) -> str:
    """A page with the platform's own name before it: the first of `HUISUAN_ORIGINS`; nothing where there is none."""
    origin = next(iter(settings.CSRF_TRUSTED_ORIGINS), "")
    return f"{origin.rstrip('/')}{link}" if origin and link else ""


def _subject(messages: Sequence[Message], language: str) -> str:
    if len(messages) == 1:
        name = "[Huisuan]" if language == ENGLISH else "[惠算]"
        subject = f"{name} {render_message(messages[0].code, messages[0].values, language)}"
    else:
        subject = _SAYS[language]["digest"].format(count=len(messages))
    return subject if len(subject) <= _LONGEST_SUBJECT else f"{subject[:_LONGEST_SUBJECT]}…"


def _mail_line(message: Message, language: str) -> str:
    at = message.at.astimezone(SHANGHAI)
    address = page_address(message.link)
    text = f"{at:%Y-%m-%d %H:%M}  {render_message(message.code, message.values, language)}"
    return f"{text}\n{address}" if address else text


def _domain() -> str:
    return parseaddr(settings.HUISUAN_MAIL_FROM)[1].rpartition("@")[2] or "localhost"
