"""What the client does with messages: read, mark, and choose how to be told."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.client.transport import Sending, given
from huisuan.protocol import messages as wire


class MessageCalls(Sending):
    """The messages of the token's owner."""

    def messages(
        self, *, unread: bool = False, kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> wire.InboxPage:
        """Some messages, newest first; `before` is the `next` of the page before."""
        asked = given(unread=unread or None, kind=kind, limit=limit, before=before)
        return self._one(wire.InboxPage, "GET", "messages", params=asked)

    def mark_messages(self, ids: Sequence[int] | None = None, *, read: bool = True) -> int:
        """Mark these, or all, read (or these unread); returns how many it changed."""
        asked = wire.MarkRead(ids=None if ids is None else list(ids), read=read)
        return self._one(wire.Marked, "POST", "messages/read", json=asked.model_dump()).marked

    def message_settings(self, change: wire.MessageSettingsChange | None = None) -> wire.MessageSettings:
        """How the owner is told, after a change where one is asked for.

        Raises:
            ClientError: refused, with the reason.
        """
        if change is None:
            return self._one(wire.MessageSettings, "GET", "messages/settings")
        asked = change.model_dump(exclude_none=True)
        return self._one(wire.MessageSettings, "POST", "messages/settings", json=asked)
