"""Connections that say nothing, half of something, or never listen: whoever is honest is answered all the same."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from huisuan.compute.site_agent.config import Config
from huisuan.compute.site_agent.process import join
from support.attacked_platform import Attacked, attacked, is_closed, wait_for

pytestmark = [pytest.mark.db, pytest.mark.slow]
MANY = 200
LIST = b"GET /charts/vega.js HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n"
POST = (
    b"POST /api/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000000\r\n\r\n{"
)
INVITE = """
from datetime import UTC, datetime
from huisuan.serving import database
database.prepare_database()
from support.usage_records import centre
from huisuan.compute.agent_gateway.enrolment import invite_agent
for number in range(4):
    made = centre(f"c{number}")
    type(made).objects.filter(pk=made.pk).update(engine="local")
    print(invite_agent(made.code, "test", datetime.now(UTC))[1])
"""
TESTS = str(Path(__file__).parents[1])


@pytest.fixture(scope="module")
def platform() -> Iterator[Attacked]:
    with attacked(HUISUAN_PATIENCE_SECONDS="2") as running:
        yield running


@pytest.fixture(scope="module")
def words(platform: Attacked) -> list[str]:
    """Invitations for agents, each good for one."""
    said = subprocess.run(
        [sys.executable, "-c", INVITE],
        env={**platform.environment, "PYTHONPATH": TESTS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not said.returncode, said.stderr
    return said.stdout.split()


def everybody_is_answered(platform: Attacked, word: str, folder: Path) -> None:
    assert platform.get("/healthz").json()["status"] == "ok"
    assert platform.get("/sign-in").status_code == 200
    assert platform.get("/api/v1/me").status_code == 200
    assert join(folder, Config(url=platform.url, engine="local", options={"slots": "1"}), word).centre


def test_idle_connections_stop_nobody_and_are_let_go(platform: Attacked, words: list[str], tmp_path: Path) -> None:
    silent = [platform.socket() for _ in range(MANY)]
    everybody_is_answered(platform, words[0], tmp_path)
    assert wait_for(lambda: all(is_closed(each) for each in silent))


def test_half_sent_headers_stop_nobody_and_are_let_go(platform: Attacked, words: list[str], tmp_path: Path) -> None:
    slow = [platform.socket() for _ in range(MANY)]
    for each in slow:
        each.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    everybody_is_answered(platform, words[1], tmp_path)
    assert wait_for(lambda: all(is_closed(each) for each in slow))


def test_half_sent_bodies_stop_nobody_and_are_told_off(platform: Attacked, words: list[str], tmp_path: Path) -> None:
    """To the pages' threads and to the agents': both have been held by eight such."""
    slow = [platform.socket() for _ in range(MANY)]
    for number, each in enumerate(slow):
        place = b"agent/v1/sync" if number % 2 else b"v1/login"
        each.sendall(POST % (place, platform.token.encode()))
    everybody_is_answered(platform, words[2], tmp_path)
    slow[0].settimeout(60)
    assert slow[0].recv(4096).startswith(b"HTTP/1.1 408 ")
    assert wait_for(lambda: all(is_closed(each) for each in slow))


def test_readers_that_do_not_read_stop_nobody(platform: Attacked, words: list[str], tmp_path: Path) -> None:
    deaf = []
    for _ in range(MANY):
        each = socket.socket()
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        each.settimeout(60)
        each.connect(platform.address)
        each.sendall(LIST % platform.token.encode())
        deaf.append(each)
    everybody_is_answered(platform, words[3], tmp_path)
    for each in deaf:
        each.close()


def test_a_body_that_trickles_is_cut_off_though_it_never_pauses(platform: Attacked) -> None:
    with platform.socket() as trickling:
        trickling.sendall(POST % (b"v1/login", platform.token.encode()))

        def is_cut_off() -> bool:
            try:
                trickling.sendall(b" ")
            except ConnectionError:
                return True
            return is_closed(trickling)

        assert wait_for(is_cut_off)


def test_a_body_that_breaks_off_reaches_nobody(platform: Attacked) -> None:
    with platform.socket() as broken:
        broken.sendall(POST % (b"v1/login", platform.token.encode()))
        broken.shutdown(socket.SHUT_WR)
        broken.settimeout(60)
        assert b"200" not in broken.recv(4096)[:20]
    with httpx.Client(trust_env=False) as client:
        assert client.get(platform.url + "/healthz").status_code == 200
