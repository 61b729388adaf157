"""Carries a browser's requests and WebSockets to a session's program and back, at the pace of whoever is slower."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpcore
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException

from huisuan.compute.sessions.node.streams import StreamReset, TunnelStream
from huisuan.compute.sessions.relay.activity import ActivityFilter
from huisuan.compute.sessions.relay.headers import first_header, request_headers, response_headers
from huisuan.compute.sessions.relay.tunnels import AsgiReceive, AsgiScope, AsgiSend, Tunnel
from huisuan.compute.sessions.relay.upstream import http_connection, upstream_websocket

_READS = ("GET", "HEAD", "OPTIONS")  # an open tab asks again and again, whether anybody is there or not
_AWAY = 1012
_SENDABLE = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011)  # close codes that may stand in a frame
log = logging.getLogger(__name__)


class Unreachable(Exception):
    """The session's program did not answer, and nothing was sent to the browser yet."""


def target_of(scope: AsgiScope) -> str:
    """The path and query that were asked for, as they were written."""
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin1")
    query = scope.get("query_string", b"").decode("latin1")
    return f"{path}?{query}" if query else path


async def proxy_http(scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, tunnel: Tunnel) -> None:
    """Answer a request with the program's answer.

    Raises:
        Unreachable: the tunnel is gone, or the program closed its side.
    """
    if scope["method"] not in _READS:
        await tunnel.note_active()
    body = _Body(receive)
    answering = asyncio.create_task(_answer(scope, body, send, tunnel))
    leaving = asyncio.create_task(body.wait_for_disconnect())
    try:
        await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering
    finally:
        answering.cancel()
        leaving.cancel()


class _Body:
    """The body of a request, read as the program takes it; afterwards the word that the browser left."""

    def __init__(self, receive: AsgiReceive) -> None:
        self._receive, self._read, self.left = receive, asyncio.Event(), False

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, piece by piece."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                self.left = True
                break
            if piece := message.get("body", b""):
                yield piece
            more = message.get("more_body", False)
        self._read.set()
        if self.left:
            raise StreamReset

    async def wait_for_disconnect(self) -> None:
        """Until the browser leaves; not before the body was read."""
        await self._read.wait()
        while not self.left:
            self.left = (await self._receive())["type"] == "http.disconnect"


async def _answer(scope: AsgiScope, body: _Body, send: AsgiSend, tunnel: Tunnel) -> None:
    started = False
    try:
        stream = await tunnel.streams.open()
        connection = http_connection(stream)
        try:
            response = await connection.handle_async_request(_request(scope, body, tunnel.secret))
            headers = response_headers(response.headers)
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            started = True
            async for piece in response.aiter_stream():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await stream.reset()
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, StreamReset, OSError) as error:
        if not started:
            raise Unreachable(str(error)) from None
        log.info("an answer of %s broke off: %s", tunnel.uid, error)


def _request(scope: AsgiScope, body: _Body, secret: str) -> httpcore.Request:
    headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    sent = request_headers(headers, secret)
    sized = first_header(headers, b"content-length")
    chunked = "chunked" in first_header(headers, b"transfer-encoding").lower()
    if chunked and not sized:
        sent.append((b"transfer-encoding", b"chunked"))
    url = httpcore.URL(scheme=b"http", host=b"session", port=80, target=target_of(scope).encode("latin1"))
    return httpcore.Request(scope["method"], url, headers=sent, content=body.pieces())


# --- WebSockets


async def proxy_websocket(scope: AsgiScope, receive: AsgiReceive, send: AsgiSend, tunnel: Tunnel) -> None:
    """Carry a browser's WebSocket, whose `websocket.connect` was received, to the program and back."""
    headers = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    host = first_header(headers, b"host")
    passed = [
        (name.decode("latin1"), value.decode("latin1"))
        for name, value in request_headers(headers, tunnel.secret)
        if name.lower() not in (b"host", b"origin", b"content-length")
    ]
    origin = first_header(headers, b"origin") or None
    uri = f"ws://{host}{target_of(scope)}"
    try:
        async with upstream_websocket(tunnel, uri, passed, list(scope.get("subprotocols") or ()), origin) as program:
            await send({"type": "websocket.accept", "subprotocol": program.subprotocol})
            code = await _both_ways(program, receive, send, tunnel)
        await send({"type": "websocket.close", "code": code})
    except (InvalidHandshake, WebSocketException, StreamReset, OSError) as error:
        log.info("a websocket of %s: %s", tunnel.uid, error)
        await send({"type": "websocket.close", "code": _AWAY})


async def _both_ways(program: ClientConnection, receive: AsgiReceive, send: AsgiSend, tunnel: Tunnel) -> int:
    """Carry messages until one side ends; the code to close the browser's side with."""
    towards = asyncio.create_task(_towards_program(program, receive, tunnel))
    back = asyncio.create_task(_towards_browser(program, send))
    try:
        await asyncio.wait([towards, back], return_when=asyncio.FIRST_COMPLETED)
    finally:
        towards.cancel()
        back.cancel()
    code = program.close_code or 0
    return code if code in _SENDABLE or code >= 3000 else _AWAY


async def _towards_program(program: ClientConnection, receive: AsgiReceive, tunnel: Tunnel) -> None:
    activity, clock = ActivityFilter(tunnel.kind), asyncio.get_running_loop().time
    with contextlib.suppress(ConnectionClosed):
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            content: str | bytes = text if text is not None else message.get("bytes") or b""
            if activity.tells(content, clock()):
                await tunnel.note_active()
            await program.send(content)
        await program.close()


async def _towards_browser(program: ClientConnection, send: AsgiSend) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            message = await program.recv()
            content: dict[str, Any] = {"text": message} if isinstance(message, str) else {"bytes": message}
            await send({"type": "websocket.send", **content})


async def proxy_bytes(receive: AsgiReceive, send: AsgiSend, tunnel: Tunnel) -> None:
    """Carry a command line's accepted WebSocket, whose messages are pieces of one byte stream."""
    try:
        stream = await tunnel.streams.open()
    except StreamReset:
        await send({"type": "websocket.close", "code": 1013})
        return
    towards = asyncio.create_task(_bytes_in(stream, receive, tunnel))
    back = asyncio.create_task(_bytes_out(stream, send))
    try:
        await asyncio.wait([towards, back], return_when=asyncio.FIRST_COMPLETED)
        code = 1000 if back.done() and not back.exception() else _AWAY
    finally:
        towards.cancel()
        back.cancel()
        await stream.reset()
    await send({"type": "websocket.close", "code": code})


async def _bytes_in(stream: TunnelStream, receive: AsgiReceive, tunnel: Tunnel) -> None:
    with contextlib.suppress(StreamReset):
        while (message := await receive())["type"] == "websocket.receive":
            await tunnel.note_active()
            await stream.write(message.get("bytes") or b"")
        await stream.finish()


async def _bytes_out(stream: TunnelStream, send: AsgiSend) -> None:
    while piece := await stream.read():
        await send({"type": "websocket.send", "bytes": piece})
