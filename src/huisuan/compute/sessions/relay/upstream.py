"""HTTP and WebSockets over a tunnel's streams: the relay as the client of a session's program."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpcore
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from huisuan.compute.sessions.node.frames import MAX_PAYLOAD
from huisuan.compute.sessions.node.streams import StreamReset, TunnelStream
from huisuan.compute.sessions.relay.tunnels import Tunnel

MESSAGE_BYTES = 128 * 1024 * 1024  # of one message of a WebSocket
_OPEN_SECONDS = 30.0


class _NetworkStream(httpcore.AsyncNetworkStream):
    """One stream of a tunnel, as httpcore wants its connections."""

    def __init__(self, stream: TunnelStream) -> None:
        self._stream, self._left = stream, b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; b"" at the end."""
        if not self._left:
            try:
                self._left = await self._stream.read()
            except StreamReset:
                raise httpcore.ReadError("the tunnel is gone") from None
        piece, self._left = self._left[:max_bytes], self._left[max_bytes:]
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """AsgiSend it all."""
        try:
            await self._stream.write(buffer)
        except StreamReset:
            raise httpcore.WriteError("the tunnel is gone") from None

    async def aclose(self) -> None:
        """Give it up."""
        await self._stream.reset()

    def get_extra_info(self, info: str) -> Any:
        """Nothing is known of it but that it cannot be seen to have been closed."""
        return False if info == "is_readable" else None


def http_connection(stream: TunnelStream) -> httpcore.AsyncHTTP11Connection:
    """HTTP/1.1 over a new stream of a tunnel, for one request."""
    return httpcore.AsyncHTTP11Connection(httpcore.Origin(b"http", b"session", 80), _NetworkStream(stream))


@asynccontextmanager
async def upstream_websocket(
    tunnel: Tunnel, uri: str, headers: list[tuple[str, str]], subprotocols: list[str], origin: str | None
) -> AsyncIterator[ClientConnection]:
    """A WebSocket to the session's program.

    Raises:
        OSError, websockets.exceptions.WebSocketException: it is refused, or the tunnel is gone.
    """
    stream = await tunnel.streams.open()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=theirs)
    pumps = [asyncio.create_task(_pump_in(stream, writer)), asyncio.create_task(_pump_out(reader, stream))]
    try:
        async with connect(
            uri,
            sock=ours,
            additional_headers=headers,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            origin=Origin(origin) if origin else None,
            user_agent_header=None,
            compression=None,  # the tunnel is one of ours: what is compressed is the browser's side of it
            max_size=MESSAGE_BYTES,
            ping_interval=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=1,
            proxy=None,
        ) as connection:
            yield connection
    finally:
        for pump in pumps:
            pump.cancel()
        with contextlib.suppress(OSError):
            await stream.reset()
        writer.close()
        ours.close()


async def _pump_in(stream: TunnelStream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(StreamReset, OSError):
        while piece := await stream.read():
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _pump_out(reader: asyncio.StreamReader, stream: TunnelStream) -> None:
    with contextlib.suppress(StreamReset, OSError):
        while piece := await reader.read(MAX_PAYLOAD):
            await stream.write(piece)
        await stream.finish()
