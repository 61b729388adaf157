"""What the relay takes off a request and an answer, and what it puts on."""

from __future__ import annotations

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.compute.jobs import relay_address
from huisuan.compute.jobs.relay_address import PORT, SESSIONS_URL, URL, browsers_reach_sessions, session_origin
from huisuan.compute.sessions.relay.headers import COOKIE, HOST_COOKIE, relay_cookie, request_headers, response_headers
from huisuan.protocol.session_tunnel import TUNNEL_PATH
from huisuan.protocol.session_tunnel import relay_address as address


def test_the_program_sees_neither_the_relays_cookie_nor_another_authorization() -> None:
    given = [
        (b"Host", b"u.localhost:8711"),
        (b"Cookie", f"a=1; {COOKIE}=secret; _xsrf=2|3".encode()),
        (b"cookie", f"{HOST_COOKIE}=secret".encode()),
        (b"Authorization", b"token guessed"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Key", b"x"),
    ]
    assert request_headers(given, "s3cret") == [
        (b"Host", b"u.localhost:8711"), (b"cookie", b"a=1; _xsrf=2|3"), (b"authorization", b"token s3cret"),
    ]  # fmt: skip


def test_over_https_only_a_cookie_that_no_other_host_can_set_counts() -> None:
    tossed = [(b"cookie", f"{COOKIE}=tossed".encode())]
    assert relay_cookie(tossed, secure=True) == ""
    assert relay_cookie([(b"cookie", f"{HOST_COOKIE}=own".encode())], secure=True) == "own"
    assert relay_cookie(tossed, secure=False) == "tossed"


def test_cookies_of_the_program_stay_on_its_host_and_never_replace_the_relays() -> None:
    found = response_headers([
        (b"Set-Cookie", b"_xsrf=1; Domain=example.cn; Path=/; HttpOnly"),
        (b"Set-Cookie", f"{COOKIE}=forged; Path=/".encode()),
        (b"Transfer-Encoding", b"chunked"),
        (b"Content-Type", b"text/html"),
    ])  # fmt: skip
    assert [value for name, value in found if name == b"set-cookie"] == [b"_xsrf=1; HttpOnly; Path=/"]
    assert (b"content-type", b"text/html") in found
    assert b"transfer-encoding" not in {name for name, _ in found}


@pytest.mark.parametrize(
    "given", ["https://sessions.example.cn", "https://*.a.cn/path", "ftp://*.a.cn", "https://a.*.cn", "*.a.cn"]
)
def test_an_address_without_a_host_for_each_session_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SESSIONS_URL, given)
    with pytest.raises(InvalidRequest) as refused:
        session_origin("u")
    assert refused.value.code == "session.address_malformed"


def test_the_addresses_of_a_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PORT, URL, SESSIONS_URL):
        monkeypatch.delenv(name, raising=False)
    assert (relay_address.relay_for_agents(), session_origin("u")) == ("", "")
    monkeypatch.setenv(PORT, "8711")
    assert (relay_address.relay_for_agents(), session_origin("u")) == (":8711", "http://u.localhost:8711")
    assert not browsers_reach_sessions("10.1.2.3:8710")
    assert all(map(browsers_reach_sessions, ("127.0.0.1:8710", "localhost", "[::1]:8710")))
    monkeypatch.setenv(SESSIONS_URL, "https://*.s.example.cn/")
    monkeypatch.setenv(URL, "https://h.example.cn")
    assert session_origin("u") == "https://u.s.example.cn"
    assert browsers_reach_sessions("10.1.2.3:8710")
    assert address("http://10.1.2.3:8710", ":8711", TUNNEL_PATH) == "ws://10.1.2.3:8711/tunnel/v1"
    assert address("http://[::1]:8710", ":8711", TUNNEL_PATH) == "ws://[::1]:8711/tunnel/v1"
    assert address("https://h.example.cn", "https://h.example.cn", TUNNEL_PATH) == "wss://h.example.cn/tunnel/v1"
