"""Who gets into a session, and who does not: through the real relay, to a program that a test has put onto the node."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from huisuan.base.hashing import text_sha256
from huisuan.client import Client, ClientError
from huisuan.compute.models import AgentKey, InteractiveSession, Job, SessionAdmission
from huisuan.compute.sessions.relay.headers import COOKIE
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person
from huisuan.protocol.session_tunnel import (
    TERMINAL_PATH,
    TUNNEL_PATH,
    TunnelAnswer,
    TunnelChallenge,
    TunnelHello,
    TunnelProof,
)
from huisuan.protocol.signatures import sign_tunnel
from support.accounts import make_token
from support.jobs import party
from support.notebook import Browser
from support.session_site import RelayProcess, SessionSite, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
#: answers with the headers it was sent; /large without end
PROGRAM = """#!{python}
import http.server, json, socketserver, sys
path = next(word.split("=", 1)[1] for word in sys.argv if word.startswith("--ServerApp.sock="))
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    def get_request(self):
        request, _ = super().get_request()
        return request, ("node", 0)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Set-Cookie", "own=1; Domain=localhost; Path=/")
        self.end_headers()
        if self.path != "/large":
            self.wfile.write(json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())
        while self.path == "/large":
            self.wfile.write(bytes(100_000))
    do_POST = do_GET
Server(path, Handler).serve_forever()
"""


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a node whose `jupyter` is that program."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "jupyter").write_text(PROGRAM.replace("{python}", sys.executable))
    (folder / "jupyter").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def uid(site: SessionSite, program: dict[str, str]) -> str:
    """A session that answers."""
    return site.ready(site.start("jupyter", environment=program).uid).uid


@pytest.fixture
def browser(site: SessionSite, uid: str) -> Browser:
    """Its owner's browser, let in."""
    made = Browser(site.client.open_session(uid).url)
    assert made.enter().status_code == 303
    return made


def test_a_ticket_is_good_once_for_its_own_session_and_a_minute(
    site: SessionSite, uid: str, browser: Browser, program: dict[str, str]
) -> None:
    assert browser.get("/").status_code == 200
    assert browser.enter().status_code == 403  # the same ticket again
    browser.cookie = ""
    assert browser.get("/").status_code == 403
    other = site.ready(site.start("jupyter", environment=program).uid).uid
    elsewhere = Browser(site.client.open_session(uid).url.replace(uid, other))
    assert elsewhere.enter().status_code == 403  # a ticket of one session at another's door
    ticket, now = "t" * 43, datetime.now(UTC)
    session = InteractiveSession.objects.select_related("owner").get(pk=uid)
    late = SessionAdmission.objects.create(
        session=session, person=session.owner, epoch=session.owner.session_epoch, ticket_sha256=text_sha256(ticket),
        issued_at=now - timedelta(minutes=2), ticket_expires_at=now - timedelta(minutes=1),
    )  # fmt: skip
    browser.entrance = f"/_huisuan/enter?ticket={ticket}"
    assert browser.enter().status_code == 403
    used = SessionAdmission.objects.filter(used_at__isnull=False).get()
    with pytest.raises(DatabaseError):  # the database itself keeps a ticket used, and its session
        SessionAdmission.objects.filter(pk=used.pk).update(used_at=None, cookie_sha256=None)
    with pytest.raises(DatabaseError):
        SessionAdmission.objects.filter(pk=late.pk).update(ticket_expires_at=now + timedelta(days=1))


def test_a_colleague_and_another_tenant_do_not_get_in(site: SessionSite, uid: str) -> None:
    colleague = Person.objects.create(
        username="colleague", name="同事", role="user", party=party(), machine=True, password="!"
    )
    secret = issue_token(colleague, "t", Actor("test"), datetime.now(UTC), scope="submit")[1]
    with Client(site.url, secret) as same_party:
        assert [session.uid for session in same_party.sessions()] == [uid]
        with pytest.raises(ClientError) as refused:
            same_party.open_session(uid)
    assert (refused.value.status, refused.value.code) == (403, "session.not_yours")
    stranger = make_token("user", "t", party=party(2).uscc)[1]
    with Client(site.url, stranger) as other_party:
        assert other_party.sessions() == []
        for way in (other_party.open_session, other_party.session, other_party.end_session):
            with pytest.raises(ClientError) as refused:
                way(uid)
            assert (refused.value.status, refused.value.code) == (404, "session.unknown")


def test_who_is_removed_is_out_within_seconds_though_a_connection_is_open(
    site: SessionSite, uid: str, browser: Browser, relay: RelayProcess
) -> None:
    assert browser.get("/").status_code == 200
    way = {"Authorization": f"Bearer {site.client.open_session(uid).ticket}"}
    address = f"ws://127.0.0.1:{relay.port}{TERMINAL_PATH}/{uid}"
    with connect(address, additional_headers=way, proxy=None) as opened:
        opened.send(b"GET /large HTTP/1.0\r\n\r\n")
        assert opened.recv(timeout=20)
        Person.objects.filter(role="user").update(is_active=False)
        until(lambda: browser.get("/").status_code == 403, "the end of the cookie", 15)
        with contextlib.suppress(ConnectionClosed):
            for _ in opened:
                pass  # what was on its way
        assert opened.close_code == 4403
    with connect(address, additional_headers=way, proxy=None) as again, pytest.raises(ConnectionClosed):
        again.recv(timeout=20)  # that ticket was used


def test_the_program_gets_its_secret_and_not_the_relays_cookie_and_other_sites_get_nothing(
    browser: Browser, relay: RelayProcess
) -> None:
    seen = browser.get("/", Authorization="token guessed", Cookie=f"a=1; {browser.cookie}")
    assert seen.json()["authorization"].startswith("token ")
    assert seen.json()["authorization"] != "token guessed"
    assert seen.json()["cookie"] == "a=1"
    assert seen.json()["host"] == browser.host
    assert seen.headers["set-cookie"] == "own=1; Path=/"
    assert browser.post("/", {}).status_code == 200
    assert browser.post("/", {}, Origin="http://evil.example").status_code == 403
    assert browser.post("/", {}, Origin=f"http://127.0.0.1:{relay.port}").status_code == 403
    with pytest.raises(InvalidStatus), browser.websocket("/ws", Origin="http://evil.example"):
        pass
    there = httpx.Client(base_url=f"http://127.0.0.1:{relay.port}", trust_env=False, headers={"Cookie": browser.cookie})
    assert there.get("/").status_code == 404  # the relay's own host has no session, and none of its cookies
    assert browser.cookie.startswith(f"{COOKIE}=")


def test_a_reader_that_stops_fills_no_memory_and_holds_up_nobody(browser: Browser, relay: RelayProcess) -> None:
    def held() -> int:
        assert relay.process is not None
        return sum(each.memory_info().rss for each in psutil.Process(relay.process.pid).children(recursive=True))

    before = held()
    readers = []
    for _ in range(5):
        reader = socket.create_connection(("127.0.0.1", relay.port))
        reader.sendall(f"GET /large HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
        assert reader.recv(12) == b"HTTP/1.1 200"
        readers.append(reader)
    began = time.monotonic()
    while time.monotonic() - began < 3:  # long enough for gigabytes
        assert browser.get("/").status_code == 200
    assert held() - before < 60 * 2**20
    for reader in readers:
        reader.close()
    assert browser.get("/").status_code == 200


def _handshake(relay: RelayProcess, hello: TunnelHello, sign: Any) -> TunnelAnswer | None:
    """What the relay answers an agent; None where it just closes."""
    with connect(f"ws://127.0.0.1:{relay.port}{TUNNEL_PATH}", proxy=None) as tunnel:
        try:
            tunnel.send(hello.model_dump_json())
            challenge = TunnelChallenge.model_validate_json(tunnel.recv(timeout=20)).challenge
            tunnel.send(TunnelProof(signature=sign(challenge)).model_dump_json())
            return TunnelAnswer.model_validate_json(tunnel.recv(timeout=20))
        except ConnectionClosed:
            return None


def test_only_the_agent_that_serves_the_centre_tunnels_to_its_session(
    site: SessionSite, relay: RelayProcess, uid: str, browser: Browser
) -> None:
    agent, key = site.agent.state.name, site.agent.key
    hello, stranger = TunnelHello(agent=agent, uid=uid, lease=1), Ed25519PrivateKey.generate()
    replayed = sign_tunnel(key, "0" * 64, uid, 1)
    for said, sign in (
        (hello, lambda challenge: sign_tunnel(stranger, challenge, uid, 1)),
        (hello, lambda _: replayed),
        (hello.model_copy(update={"lease": 2}), lambda challenge: sign_tunnel(key, challenge, uid, 2)),
        (hello.model_copy(update={"uid": "0" * 26}), lambda challenge: sign_tunnel(key, challenge, "0" * 26, 1)),
        (hello.model_copy(update={"agent": "nobody-1"}), lambda challenge: sign_tunnel(key, challenge, uid, 1)),
    ):
        answer = _handshake(relay, said, sign)
        assert answer is not None
        assert not answer.ok
        assert answer.message
    with connect(f"ws://127.0.0.1:{relay.port}{TUNNEL_PATH}", proxy=None) as rubbish:
        rubbish.send(json.dumps({"agent": agent, "uid": "../../etc", "lease": 1}))
        with pytest.raises(ConnectionClosed):
            rubbish.recv(timeout=20)
    assert browser.get("/").status_code == 200  # nobody's tunnel was cut by all that
    AgentKey.objects.filter(name=agent).update(revoked_at=datetime.now(UTC), revoked_by="test")
    until(lambda: browser.get("/").status_code == 503, "the end of the tunnel", 15)
    assert Job.objects.get(pk=uid).state == "running"  # what runs goes on
    AgentKey.objects.filter(name=agent).update(revoked_at=None, revoked_by="")  # for the fixture to end it
