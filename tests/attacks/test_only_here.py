"""The fence around the attacks stands: nothing but this machine can be reached."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize(
    ("family", "host"),
    [
        (socket.AF_INET, "192.0.2.1"),
        (socket.AF_INET, "0.0.0.1"),
        (socket.AF_INET, "example.org"),
        (socket.AF_INET6, "2001:db8::1"),
        (socket.AF_INET6, "::ffff:192.0.2.1"),
    ],
)
@pytest.mark.parametrize("way", ["connect", "connect_ex", "sendto"])
def test_no_attack_leaves_this_machine(family: int, host: str, way: str) -> None:
    kind = socket.SOCK_DGRAM if way == "sendto" else socket.SOCK_STREAM
    with socket.socket(family, kind) as probe, pytest.raises(pytest.fail.Exception, match="would reach"):
        probe.sendto(b"x", (host, 9)) if way == "sendto" else getattr(probe, way)((host, 9))


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as probe:
        probe.connect(server.getsockname())
