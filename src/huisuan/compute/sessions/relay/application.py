"""The relay as an ASGI application: agents' tunnels, terminals of command lines, each session on a host of its own."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from django.db import DatabaseError

from huisuan.compute.jobs.relay_address import origin_pattern
from huisuan.compute.sessions.relay import access, pages
from huisuan.compute.sessions.relay.headers import COOKIE, HOST_COOKIE, first_header, relay_cookie
from huisuan.compute.sessions.relay.proxy import Unreachable, proxy_bytes, proxy_http, proxy_websocket
from huisuan.compute.sessions.relay.tunnels import AsgiReceive, AsgiScope, AsgiSend, Tunnel, Tunnels
from huisuan.compute.sessions.services import ENTER_PATH
from huisuan.protocol.session_tunnel import TERMINAL_PATH, TUNNEL_PATH

_UID = re.compile(r"[0-9a-z]{20,32}")
_ADMITTED_SECONDS = 5.0  # for so long what the database said of a cookie is believed
_MOST_REMEMBERED = 10_000
_NOT_ADMITTED = 4403  # the close code of a WebSocket whose holder may not be in the session
_OWN_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
]
log = logging.getLogger(__name__)


class Relay:
    """Answers for all sessions; `pattern` is their origin, with * for the session."""

    def __init__(self, pattern: str) -> None:
        self.scheme, _, host = pattern.partition("://")
        self.secure = self.scheme == "https"
        before, _, after = host.partition("*")
        self._host = re.compile(re.escape(before) + f"({_UID.pattern})" + re.escape(after))
        self.tunnels = Tunnels()
        self._admitted: dict[tuple[str, str], tuple[float, access.Admitted | None]] = {}

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one request or serve one WebSocket."""
        path = scope["path"].partition("?")[0]
        if scope["type"] == "websocket" and path == TUNNEL_PATH:
            await self.tunnels.serve(receive, send)
        elif scope["type"] == "websocket" and path.startswith(f"{TERMINAL_PATH}/"):
            await self._terminal(path.rpartition("/")[2], scope, receive, send)
        elif found := self._host.fullmatch(first_header(scope["headers"], b"host").lower()):
            await self._session(found[1], path, scope, receive, send)
        elif scope["type"] == "http" and path == "/healthz":
            await _page(send, 200, b"ok")
        else:
            await _refuse(scope, receive, send, 404, pages.not_found())

    # --- command lines

    async def _terminal(self, uid: str, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """A byte stream to a session's program, for whoever brings a ticket. No browser can send that header."""
        await receive()  # websocket.connect
        scheme, _, ticket = first_header(scope["headers"], b"authorization").partition(" ")
        held, cookie = None, _new_cookie()
        if scheme.lower() == "bearer" and _UID.fullmatch(uid):
            held = await asyncio.to_thread(access.redeem_ticket, uid, ticket, cookie, datetime.now(UTC))
        tunnel = self.tunnels.find(uid)
        if held is None or not held.runs or tunnel is None:
            # accepted first: a refused handshake would not say why
            await send({"type": "websocket.accept"})
            await send(
                {"type": "websocket.close", "code": _NOT_ADMITTED if held is None else 4503 if held.runs else 4410}
            )
            return
        await send({"type": "websocket.accept"})
        await self._while_admitted(uid, cookie, proxy_bytes(receive, send, tunnel), send)

    # --- browsers

    async def _session(self, uid: str, path: str, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        if scope["type"] == "http" and path == ENTER_PATH:
            await self._enter(uid, scope, send)
            return
        cookie = relay_cookie(scope["headers"], self.secure)
        held = await self._who(uid, cookie)
        if held is None:
            await _refuse(scope, receive, send, 403, pages.not_admitted())
        elif not self._from_here(scope):
            await _refuse(scope, receive, send, 403, pages.wrong_origin())
        elif not held.runs:
            await _refuse(scope, receive, send, 410, pages.over())
        elif (tunnel := self.tunnels.find(uid)) is None:
            await self._no_tunnel(uid, cookie, scope, receive, send)
        else:
            await self._proxy(scope, receive, send, tunnel, cookie)

    async def _proxy(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, tunnel: Tunnel, cookie: str) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
            await self._while_admitted(tunnel.uid, cookie, proxy_websocket(scope, receive, send, tunnel), send)
            return
        try:
            await proxy_http(scope, receive, send, tunnel)
        except Unreachable:
            await self._no_tunnel(tunnel.uid, cookie, scope, receive, send)

    async def _no_tunnel(self, uid: str, cookie: str, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """It starts, or it has just ended: what was believed of it for a few seconds is asked anew."""
        self._admitted.pop((uid, cookie), None)
        held = await self._who(uid, cookie)
        if held is not None and not held.runs:
            await _refuse(scope, receive, send, 410, pages.over())
        else:
            await _refuse(scope, receive, send, 503, pages.starting())

    async def _while_admitted(
        self, uid: str, cookie: str, serving: Coroutine[None, None, None], send: AsgiSend
    ) -> None:
        """Serve a WebSocket for as long as its holder may be in the session: it can be open for days."""
        work = asyncio.create_task(serving)
        try:
            while not (await asyncio.wait([work], timeout=_ADMITTED_SECONDS))[0]:
                try:
                    held = await self._who(uid, cookie)
                except DatabaseError as error:  # it is away: what is open goes on for now
                    log.warning("who is in a session could not be checked: %s", error)
                    continue
                if held is None:
                    work.cancel()
                    await asyncio.wait([work])
                    await send({"type": "websocket.close", "code": _NOT_ADMITTED})
                    return
            await work
        finally:
            work.cancel()

    async def _enter(self, uid: str, scope: AsgiScope, send: AsgiSend) -> None:
        """Exchange the ticket of the address for a cookie of this host."""
        ticket = parse_qs(scope.get("query_string", b"").decode("latin1")).get("ticket", [""])[0]
        cookie = _new_cookie()
        held = await asyncio.to_thread(access.redeem_ticket, uid, ticket, cookie, datetime.now(UTC))
        if held is None:
            await _page(send, 403, pages.not_admitted())
            return
        name, secure = (HOST_COOKIE, "; Secure") if self.secure else (COOKIE, "")
        # Lax: the browser comes from the portal's page; other sites' requests come without it
        value = f"{name}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"
        headers = {b"set-cookie": value.encode(), b"location": b"/"}
        await _page(send, 303, b"", headers)

    async def _who(self, uid: str, cookie: str) -> access.Admitted | None:
        """Who holds the cookie; what the database said is believed for a few seconds."""
        if not cookie:
            return None
        now = time.monotonic()
        known = self._admitted.get((uid, cookie))
        if known and now - known[0] < _ADMITTED_SECONDS:
            return known[1]
        held = await asyncio.to_thread(access.find_admitted, uid, cookie)
        if len(self._admitted) >= _MOST_REMEMBERED:
            self._admitted.clear()
        self._admitted[uid, cookie] = (now, held)
        return held

    def _from_here(self, scope: AsgiScope) -> bool:
        """Whether a request that changes something, or a WebSocket, comes from a page of this very session."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return True
        origin = first_header(scope["headers"], b"origin")
        return not origin or origin == f"{self.scheme}://{first_header(scope['headers'], b'host')}"


def _new_cookie() -> str:
    return secrets.token_urlsafe(32)


async def _page(send: AsgiSend, status: int, body: bytes, more: Mapping[bytes, bytes] | None = None) -> None:
    headers = [*_OWN_HEADERS, (b"content-length", str(len(body)).encode()), *(more or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _refuse(scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, status: int, body: bytes) -> None:
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        await send({"type": "websocket.close", "code": 1008 if status == 403 else 1012})
    else:
        await _page(send, status, body)


def make_relay() -> Relay:
    """The relay as the environment has it."""
    return Relay(origin_pattern())
