"""Byte streams over one connection, for asyncio: the relay opens them, the node answers them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Awaitable, Callable, Deque, Dict, Optional

from huisuan.compute.sessions.node.frames import (
    COUNT,
    CREDIT,
    DATA,
    END,
    MAX_PAYLOAD,
    MOST_STREAMS,
    OPEN,
    RESET,
    WINDOW,
    MalformedFrame,
    pack_frame,
)

SendBytes = Callable[[bytes], Awaitable[None]]


class StreamReset(ConnectionError):
    """The stream ended before its time: the other side gave it up, or the tunnel is gone."""


class TunnelStream:
    """One byte stream; each way ends by itself. Neither `read` nor `write` may be called twice at once."""

    def __init__(self, number: int, send: SendBytes, forget: Callable[[int], None]) -> None:
        self.number, self._send, self._forget = number, send, forget
        self._pieces: Deque[bytes] = deque()
        self._waiting = 0  # bytes received and not read
        self._credit = WINDOW  # bytes that the other side still takes
        self._taken = 0  # bytes read and not acknowledged
        self._changed = asyncio.Event()
        self._ended = self._finished = self._broken = False

    async def read(self) -> bytes:
        """The next piece; b"" at the end.

        Raises:
            StreamReset: it was given up.
        """
        while not self._pieces:
            if self._broken:
                raise StreamReset
            if self._ended:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        self._waiting -= len(piece)
        self._taken += len(piece)
        if self._taken >= WINDOW // 2 and not self._ended:
            taken, self._taken = self._taken, 0
            await self._send(pack_frame(CREDIT, self.number, COUNT.pack(taken)))
        return piece

    async def write(self, data: bytes) -> None:
        """SendBytes it all, as fast as the other side takes it.

        Raises:
            StreamReset: it was given up.
        """
        view = memoryview(data)
        while view:
            if self._broken or self._finished:
                raise StreamReset
            if not self._credit:
                await self._wait()
                continue
            size = min(len(view), self._credit, MAX_PAYLOAD)
            self._credit -= size
            await self._send(pack_frame(DATA, self.number, bytes(view[:size])))
            view = view[size:]

    async def finish(self) -> None:
        """Nothing more will be sent."""
        if not (self._finished or self._broken):
            self._finished = True
            await self._send(pack_frame(END, self.number))
            self._done()

    async def reset(self) -> None:
        """Give it up, both ways; of one that is over nothing happens."""
        if not (self._broken or (self._ended and self._finished)):
            self.break_off()
            await self._send(pack_frame(RESET, self.number))

    # --- what comes from the other side

    def receive(self, kind: int, payload: bytes) -> None:
        """Take in a frame.

        Raises:
            MalformedFrame: more came than was allowed.
        """
        if kind == DATA:
            self._waiting += len(payload)
            if self._waiting > WINDOW or self._ended:
                raise MalformedFrame("stream %d beyond its window" % self.number)
            self._pieces.append(payload)
        elif kind == CREDIT:
            self._credit += COUNT.unpack(payload)[0] if len(payload) == COUNT.size else 0
            if self._credit > WINDOW:
                raise MalformedFrame("stream %d has too much credit" % self.number)
        elif kind == END:
            self._ended = True
        self._changed.set()
        self._done()

    def break_off(self) -> None:
        """Nothing comes or goes any more."""
        self._broken = True
        self._changed.set()
        self._forget(self.number)

    def _done(self) -> None:
        if self._ended and self._finished:
            self._forget(self.number)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Multiplexer:
    """The streams of one tunnel. `send` sends a frame's bytes; `on_open` is told of a stream that the other opens."""

    def __init__(self, send: SendBytes, on_open: Optional[Callable[[TunnelStream], None]] = None) -> None:
        self._send, self._on_open = send, on_open
        self._streams: Dict[int, TunnelStream] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._streams)

    async def open(self) -> TunnelStream:
        """A new stream to the other side.

        Raises:
            StreamReset: too many are open.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise StreamReset("too many streams")
        self._last += 1
        stream = self._add(self._last)
        await self._send(pack_frame(OPEN, stream.number))
        return stream

    def receive(self, kind: int, number: int, payload: bytes) -> None:
        """Take in a frame that belongs to a stream; one of a stream that is over is passed over.

        Raises:
            MalformedFrame: the other side does not keep to the rules.
        """
        if kind == OPEN and self._on_open is not None:
            if number in self._streams or len(self._streams) >= MOST_STREAMS:
                raise MalformedFrame("stream %d cannot be opened" % number)
            self._on_open(self._add(number))
        elif stream := self._streams.get(number):
            if kind == RESET:
                stream.break_off()
            else:
                stream.receive(kind, payload)

    def close(self) -> None:
        """The tunnel is gone, and every stream with it."""
        for stream in list(self._streams.values()):
            stream.break_off()

    def _add(self, number: int) -> TunnelStream:
        stream = self._streams[number] = TunnelStream(number, self._send, self._remove)
        return stream

    def _remove(self, number: int) -> None:
        self._streams.pop(number, None)
