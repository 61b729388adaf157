"""Messages to people as the API gives them, and how a person wants to be told."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from huisuan.protocol.resources import RequestModel, ResponseModel


class InboxMessage(ResponseModel):
    """One message; `text` and `text_en` are the sentence of `code` with its `values`."""

    id: int
    kind: str
    code: str
    values: dict[str, str | int]
    text: str
    text_en: str
    link: str = Field(description="平台上的页面，以 / 开头；没有则为空")
    at: AwareDatetime
    read_at: AwareDatetime | None


class InboxPage(ResponseModel):
    """Some messages, newest first; `next` continues (as `before`), None at the end."""

    items: list[InboxMessage]
    next: int | None
    unread: int = Field(description="未读的条数；超过 99 时为 100")


class MarkRead(RequestModel):
    """Which messages to mark; without ids, all of them."""

    ids: list[int] | None = Field(default=None, max_length=1000)
    read: bool = Field(default=True, description="false：改回未读（须写明 ids）")


class Marked(ResponseModel):
    """How many were changed."""

    marked: int


class FailedDelivery(ResponseModel):
    """A mail or webhook call that was not taken so far; `given_up`: it is not tried again."""

    channel: str
    at: AwareDatetime
    tries: int
    error: str
    given_up: bool


class MessageSettings(ResponseModel):
    """How a person is told: `frequencies` by kind and channel, `now`, `daily` or `never`."""

    language: str
    digest_hour: int
    webhook_url: str
    frequencies: dict[str, dict[str, str]]
    mail: str = Field(description="邮件送到哪里；没有则为空")
    failed: list[FailedDelivery]


class MessageSettingsChange(RequestModel):
    """What to change; what is left out stays."""

    language: str | None = None
    digest_hour: int | None = None
    webhook_url: str | None = Field(default=None, max_length=500)
    frequencies: dict[str, dict[str, str]] = Field(default_factory=dict)
