"""Attacks are made on this machine only: a test of this folder that would reach any other fails."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest


def is_here(family: int, address: Any) -> bool:
    """Whether an address is this machine's own: a socket file, or the loopback."""
    if family == socket.AF_UNIX:
        return True
    if family not in (socket.AF_INET, socket.AF_INET6):
        return False
    host = str(address[0]).partition("%")[0]
    if host in ("localhost", ""):
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False  # a name: whoever resolves it may lead elsewhere
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket leaves the loopback: neither by connecting nor by sending without a connection."""

    def guarded(name: str, at: int) -> None:
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *words: Any) -> Any:
            if not is_here(self.family, words[at]):
                pytest.fail(f"an attack would reach {words[at]!r}")
            return real(self, *words)

        monkeypatch.setattr(socket.socket, name, call)

    guarded("connect", 0)
    guarded("connect_ex", 0)
    guarded("sendto", -1)
