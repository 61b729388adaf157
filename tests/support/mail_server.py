"""A mail server on loopback that speaks SMTP (RFC 5321) as far as a client needs, and keeps what it was given."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import ClassVar


class MailServer(socketserver.ThreadingTCPServer):
    """Its mails, and the addresses that it refuses."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.raw: list[tuple[list[str], bytes]] = []
        self.refuses: set[str] = set()
        self.refuses_all = False

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def mails(self) -> list[EmailMessage]:
        """What it was given, parsed by the rules of today."""
        return [message_from_bytes(raw, policy=policy.default) for _, raw in self.raw]  # type: ignore[misc]


class _Session(socketserver.StreamRequestHandler):
    server: MailServer
    plain: ClassVar[dict[str, str]] = {"MAIL": "250 OK", "RSET": "250 OK", "NOOP": "250 OK"}

    def handle(self) -> None:
        self._say("220 mail.test")
        to: list[str] = []
        while line := self.rfile.readline():
            words = line.decode().strip()
            verb = words[:4].upper()
            if verb in ("EHLO", "HELO"):
                self._say("250 mail.test")
            elif verb == "RCPT":
                address = words.partition("<")[2].partition(">")[0]
                refused = self.server.refuses_all or address in self.server.refuses
                self._say("550 no such box" if refused else "250 OK")
                to += [] if refused else [address]
            elif verb == "DATA":
                self._say("354 go on")
                self.server.raw.append((to, self._data()))
                to = []
                self._say("250 OK")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say(self.plain.get(verb, "502 not here"))

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that runs."""
    server = MailServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
