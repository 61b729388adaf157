"""A shell with a terminal of its own that outlives its connections, as in tmux: one connection at a time is attached.

On the connection go frames of a kind (1 byte) and a length (4 bytes): DATA both ways, RESIZE (rows, columns; 2 bytes
each) towards the shell, EXIT (its exit code, 1 byte) from it. Who attaches is first sent the last REPLAY bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
from pathlib import Path
from typing import Optional

TERMINAL_DATA, TERMINAL_RESIZE, TERMINAL_EXIT = 0, 1, 2
TERMINAL_HEADER, TERMINAL_SIZE = struct.Struct(">BI"), struct.Struct(">HH")
TERMINAL_PAYLOAD = 64 * 1024  # bytes, at most
REPLAY = 64 * 1024  # bytes
_SLOW_SECONDS = 60.0  # to take a piece: a connection that takes nothing for so long is let go, the shell goes on


class Terminal:
    """A shell on a pseudo-terminal, offered on a Unix socket."""

    def __init__(self) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            shell = os.environ.get("SHELL") or "/bin/bash"
            shell = shell if os.access(shell, os.X_OK) else "/bin/sh"
            os.environ["TERM"] = "xterm-256color"
            os.execv(shell, [shell, "-i"])  # noqa: S606
        os.set_blocking(self.master, False)
        self.recent = bytearray()
        self.last_output = 0.0
        self.attached: Optional[asyncio.StreamWriter] = None
        self.exit_code: Optional[int] = None

    def is_busy(self) -> bool:
        """Whether a program runs in the foreground."""
        try:
            return os.tcgetpgrp(self.master) != self.pid
        except OSError:
            return False

    async def offer(self, socket: Path) -> None:
        """Serve connections until the shell ends; its exit code is `exit_code` then."""
        server = await asyncio.start_unix_server(self._serve, str(socket))
        loop = asyncio.get_event_loop()
        while True:
            ready = asyncio.Event()
            loop.add_reader(self.master, ready.set)
            await ready.wait()
            loop.remove_reader(self.master)
            try:
                piece = os.read(self.master, TERMINAL_PAYLOAD)
            except BlockingIOError:
                continue
            except OSError:  # EIO: nobody holds the other side any more
                break
            if not piece:
                break
            self.last_output = loop.time()
            self.recent = (self.recent + piece)[-REPLAY:]
            await self._say(TERMINAL_DATA, piece)
        _, status = os.waitpid(self.pid, 0)
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
        self.exit_code = code
        await self._say(TERMINAL_EXIT, bytes([code & 255]))
        server.close()

    def hang_up(self) -> None:
        """Tell the shell that its terminal is gone."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGHUP)

    async def _say(self, kind: int, payload: bytes) -> None:
        writer = self.attached
        if writer is None:
            return
        try:
            writer.write(TERMINAL_HEADER.pack(kind, len(payload)) + payload)
            await asyncio.wait_for(writer.drain(), _SLOW_SECONDS)
        except (OSError, asyncio.TimeoutError):
            self._let_go(writer)

    def _let_go(self, writer: asyncio.StreamWriter) -> None:
        if self.attached is writer:
            self.attached = None
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                kind, length = TERMINAL_HEADER.unpack(await reader.readexactly(TERMINAL_HEADER.size))
                if length > TERMINAL_PAYLOAD:
                    break
                payload = await reader.readexactly(length)
                if self.attached is not writer:
                    # only who says something attaches: the bridge connects once just to see whether anyone listens
                    await self._attach(writer)
                if kind == TERMINAL_RESIZE and length == TERMINAL_SIZE.size:
                    rows, columns = TERMINAL_SIZE.unpack(payload)
                    fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                elif kind == TERMINAL_DATA:
                    await self._type(payload)
        except (OSError, EOFError):
            pass
        finally:
            self._let_go(writer)

    async def _attach(self, writer: asyncio.StreamWriter) -> None:
        before, self.attached = self.attached, writer
        if before is not None:
            before.close()
        await self._say(TERMINAL_DATA, bytes(self.recent))

    async def _type(self, data: bytes) -> None:
        """Write to the terminal as fast as it takes."""
        while data:
            try:
                data = data[os.write(self.master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)
