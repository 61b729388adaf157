"""A shell on the local engine, through the relay: real processes all the way."""

from __future__ import annotations

import pytest
from websockets.sync.client import connect

from huisuan.compute.sessions.node.terminal import (
    TERMINAL_DATA,
    TERMINAL_HEADER,
    TERMINAL_RESIZE,
    TERMINAL_SIZE,
)
from huisuan.protocol.session_tunnel import TERMINAL_PATH, relay_address
from support.session_site import SessionSite

pytestmark = pytest.mark.django_db(transaction=True)


class Screen:
    """A command line's side of a terminal."""

    def __init__(self, site: SessionSite, uid: str) -> None:
        ticket = site.client.open_session(uid)
        self.ticket = ticket
        self.socket = connect(
            relay_address(site.url, ticket.relay, f"{TERMINAL_PATH}/{uid}"),
            additional_headers={"Authorization": f"Bearer {ticket.ticket}"},
            proxy=None,
        )
        self.shown = b""
        self.say(TERMINAL_RESIZE, TERMINAL_SIZE.pack(24, 80))

    def say(self, kind: int, payload: bytes) -> None:
        """Send a frame."""
        self.socket.send(TERMINAL_HEADER.pack(kind, len(payload)) + payload)

    def type(self, text: str) -> None:
        """Press keys."""
        self.say(TERMINAL_DATA, text.encode())

    def until(self, text: str) -> None:
        """Read until that is shown."""
        while text.encode() not in self.shown:
            self.shown += bytes(self.socket.recv(timeout=20))


def test_a_shell_is_reached_through_the_relay_and_ends_when_its_user_leaves(site: SessionSite) -> None:
    session = site.start("shell")
    assert site.ready(session.uid).state == "running"
    screen = Screen(site, session.uid)
    screen.type("stty size; echo $((6*7))-$HUISUAN_JOB_UID\r")
    screen.until(f"42-{session.uid}")
    screen.until("24 80")
    screen.type("exit\r")
    job = site.ended(session.uid)
    assert (job.state, job.exit_code) == ("done", 0)
