"""What the client does with interactive sessions: start, list, open, end."""

from __future__ import annotations

import secrets

from huisuan.client.transport import Sending, given, part
from huisuan.protocol import sessions as wire
from huisuan.protocol.resources import IDEMPOTENCY_KEY


class SessionCalls(Sending):
    """The sessions of the token's owner."""

    def start_session(self, asked: wire.SessionRequest) -> wire.Session:
        """Start a session.

        Raises:
            ClientError: refused, with the reason.
        """
        key = {IDEMPOTENCY_KEY: secrets.token_hex(16)}
        return self._one(wire.Session, "POST", "sessions", json=asked.model_dump(mode="json"), headers=key)

    def sessions(self, *, ended: bool = False) -> list[wire.Session]:
        """The sessions that are not over, newest first; with `ended` also those that are."""
        return self._many(wire.Session, "sessions", params=given(ended=ended or None))

    def session(self, uid: str) -> wire.Session:
        """One session."""
        return self._one(wire.Session, "GET", f"sessions/{part(uid)}")

    def open_session(self, uid: str) -> wire.SessionTicket:
        """A way into a running session, good once.

        Raises:
            ClientError: it is another person's, it does not run yet, or not any more.
        """
        return self._one(wire.SessionTicket, "POST", f"sessions/{part(uid)}/open")

    def end_session(self, uid: str) -> wire.Session:
        """Ask for a session to end; asking twice is once."""
        return self._one(wire.Session, "POST", f"sessions/{part(uid)}/end")
