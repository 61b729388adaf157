"""Webhooks: each step of a job's life is told, signed, until it is taken; and nothing inside is reached."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from huisuan.base.errors import Refused
from huisuan.compute.jobs import queries as job_queries
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.jobs.webhooks.delivery import GIVEN_UP_AFTER, TRIES_AFTER, tell_webhooks
from huisuan.compute.keys import platform_key
from huisuan.compute.models import Job, JobEvent
from huisuan.messages.http_post import NotDelivered, is_public, post, public_address
from support.jobs import NOON, asked, centre, party, user

pytestmark = pytest.mark.slow

LOCAL = [ipaddress.ip_network("127.0.0.0/8")]


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers as it is told to."""

    got: list[tuple[dict[str, str], bytes]]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((dict(self.headers), body))
        status = self.answers.pop(0) if self.answers else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    kind = type("Own", (Receiver,), {"got": [], "answers": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", kind
    server.shutdown()
    server.server_close()


@pytest.fixture
def local(settings: Any) -> None:
    """Let webhooks reach this machine."""
    settings.HUISUAN_NOTIFY_NETWORKS = ["127.0.0.0/8"]


def submit(url: str, number: int = 0) -> Job:
    return submit_job(asked("x", notify_url=url, name="训练"), user(), NOON, number.to_bytes(10))


@pytest.mark.django_db
@pytest.mark.usefixtures("local")
class TestTelling:
    """On the database."""

    def test_each_step_is_told_once_and_signed_by_the_platform(self, receiver: Any) -> None:
        url, kind = receiver
        centre()
        job = submit(url)
        submit_job(asked("silent"), user(), NOON, b"\1" * 10)
        cancel_job(job.uid, user(), NOON + timedelta(seconds=5))
        now = NOON + timedelta(seconds=6)
        assert tell_webhooks(now) == 2
        assert tell_webhooks(now) == 0
        told = sorted((json.loads(body) for _, body in kind.got), key=lambda message: message["id"])
        assert [(message["state"], message["uid"], message["party"]) for message in told] == [
            ("waiting", job.uid, party().uscc),
            ("cancelled", job.uid, party().uscc),
        ]
        assert told[1]["at"] == "2024-06-03T12:00:05+08:00"
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(platform_key.public()))
        for headers, body in kind.got:
            key.verify(bytes.fromhex(headers["Huisuan-Signature"]), body)
            assert headers["Huisuan-Event"] == str(json.loads(body)["id"])
        assert [event.notified_at for event in job_queries.events(job)] == [now, now]

    def test_what_is_not_taken_is_told_again_later_and_later_and_then_no_more(self, receiver: Any) -> None:
        url, kind = receiver
        centre()
        job = submit(url)
        kind.answers[:] = [500] * 99
        for number, delay in enumerate(TRIES_AFTER):
            assert tell_webhooks(NOON + delay - timedelta(seconds=1)) == 0
            assert len(kind.got) == number
            assert tell_webhooks(NOON + delay) == 0
            assert len(kind.got) == number + 1
        assert tell_webhooks(NOON + GIVEN_UP_AFTER - timedelta(seconds=1)) == 0
        assert len(kind.got) == len(TRIES_AFTER)
        (event,) = job_queries.events(job)
        assert (event.tries, event.notified_at) == (len(TRIES_AFTER), None)

    def test_a_receiver_that_comes_back_hears_what_it_missed(self, receiver: Any) -> None:
        url, kind = receiver
        centre()
        submit(url)
        kind.answers[:] = [503]
        assert tell_webhooks(NOON) == 0
        assert tell_webhooks(NOON + TRIES_AFTER[1]) == 1
        assert len(kind.got) == 2

    def test_after_a_day_away_old_news_is_no_longer_told(self, receiver: Any) -> None:
        url, kind = receiver
        centre()
        submit(url)
        assert tell_webhooks(NOON + timedelta(days=1)) == 0
        assert kind.got == []

    def test_many_are_told_within_the_budget_and_a_dead_receiver_holds_nobody_up(self, receiver: Any) -> None:
        url, _ = receiver
        centre()
        for number in range(40):
            submit(url if number % 2 else "http://127.0.0.1:1/", number)
        assert tell_webhooks(NOON) == 20
        assert JobEvent.objects.filter(tries=1).count() == 40
        assert tell_webhooks(NOON + TRIES_AFTER[1], budget=0) == 0

    def test_a_network_that_is_none_is_refused(self, receiver: Any, settings: Any) -> None:
        url, kind = receiver
        centre()
        submit(url)
        settings.HUISUAN_NOTIFY_NETWORKS = ["10.0.0.0/99"]
        with pytest.raises(Refused, match="HUISUAN_NOTIFY_NETWORKS"):
            tell_webhooks(NOON)
        assert kind.got == []

    def test_by_default_nothing_on_this_machine_is_reached(self, receiver: Any, settings: Any) -> None:
        url, kind = receiver
        settings.HUISUAN_NOTIFY_NETWORKS = []
        centre()
        submit(url)
        assert tell_webhooks(NOON) == 0
        assert kind.got == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.5.5", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
     "2002:7f00:1::", "ff02::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
)  # fmt: skip
def test_what_is_not_the_internets_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "114.114.114.114", "2400:3200::1", "::ffff:1.1.1.1"])
def test_what_is_the_internets_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def answering(*addresses: str) -> Any:
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_the_one_called(
    monkeypatch: pytest.MonkeyPatch, receiver: Any
) -> None:
    url, kind = receiver
    port = url.split(":")[2].split("/")[0]
    asked_for: list[str] = []

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        asked_for.append(host)
        assert len([name for name in asked_for if name == "hooks.example.cn"]) == 1, "resolved a second time"
        return real(host, *rest, **more) if host != "hooks.example.cn" else answering("127.0.0.1")()

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    post(f"http://hooks.example.cn:{port}/x", b"{}", {}, LOCAL)
    assert kind.got[0][0]["Host"] == f"hooks.example.cn:{port}"


def test_of_a_names_addresses_only_a_public_one_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.1", "1.1.1.1"))
    assert public_address("a", 80) == "1.1.1.1"
    monkeypatch.setattr(socket, "getaddrinfo", answering("10.0.0.1", "127.0.0.1"))
    with pytest.raises(NotDelivered, match="不在公网"):
        public_address("a", 80)
    assert public_address("a", 80, [ipaddress.ip_network("127.0.0.0/8")]) == "127.0.0.1"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://0/", "http://2130706433/", "http://0x7f.1/",
     "http://127.1/", "https://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/"],
)  # fmt: skip
def test_however_this_machine_is_written_it_is_not_reached(url: str) -> None:
    with pytest.raises(NotDelivered, match=r"不在公网|解析不了"):
        post(url, b"{}", {})


def test_no_redirect_is_followed(receiver: Any) -> None:
    url, kind = receiver
    kind.answers[:] = [302]
    with pytest.raises(NotDelivered, match="回答 302（不跟随重定向）"):
        post(url, b"{}", {}, LOCAL)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:{port}/", "gopher://127.0.0.1/", "http:///"])
def test_what_cannot_be_reached_is_said(url: str, receiver: Any) -> None:
    port = receiver[0].split(":")[2].split("/")[0]
    with pytest.raises(NotDelivered, match=r"连不上|解析不了"):
        post(url.format(port=port), b"{}", {}, LOCAL)


def test_a_receiver_that_drips_is_given_up_in_time() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        there, _ = server.accept()
        with there:
            for sign in b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000:
                if stop.wait(0.05):
                    return
                try:
                    there.send(bytes([sign]))
                except OSError:
                    return

    threading.Thread(target=drip, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="没有回答"):
        post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, LOCAL, seconds=0.5)
    assert time.monotonic() - began < 20  # the whole answer would take 50 s
    stop.set()
    server.close()
