"""A terminal of this machine, attached to a session's shell: keys there, what it shows back, raw.

A connection that breaks (an agent or the platform that starts anew) is made again, with a new ticket: the shell goes on
meanwhile and shows its last screens again.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from huisuan.base.errors import Conflict, Unavailable
from huisuan.client import Client
from huisuan.compute.sessions.node.terminal import (
    TERMINAL_DATA,
    TERMINAL_EXIT,
    TERMINAL_HEADER,
    TERMINAL_RESIZE,
    TERMINAL_SIZE,
)
from huisuan.compute.site_agent.link import NO_PROXY
from huisuan.protocol.session_tunnel import TERMINAL_PATH, relay_address

DETACH = b"\x1d"  # Ctrl-]
_END_OF_FILE = b"\x04"  # what a shell takes for the end of its input
_KEYS = 4096
_TRY_SECONDS = 300.0
_PAUSE_SECONDS = 1.0


class _Attached:
    """One connection to the shell."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.exit_code: int | None = None
        self.over = threading.Event()

    def say(self, kind: int, payload: bytes) -> None:
        """Send a frame; a connection that is gone is noticed elsewhere."""
        with contextlib.suppress(ConnectionClosed):
            self.socket.send(TERMINAL_HEADER.pack(kind, len(payload)) + payload)

    def resize(self) -> None:
        """Tell how large this terminal is."""
        try:
            size = os.get_terminal_size(sys.stdout.fileno())  # not what COLUMNS and LINES once said
        except OSError:
            size = shutil.get_terminal_size()
        self.say(TERMINAL_RESIZE, TERMINAL_SIZE.pack(size.lines, size.columns))

    def show(self) -> None:
        """Write what the shell shows, until it ends or the connection does."""
        waiting = b""
        try:
            with contextlib.suppress(ConnectionClosed):
                for number, message in enumerate(self.socket):
                    if not number:
                        self.resize()  # it answers: what was said before may have found nobody there yet
                    waiting += message if isinstance(message, bytes) else b""
                    waiting = self._take(waiting)
        finally:
            self.over.set()

    def _take(self, waiting: bytes) -> bytes:
        while len(waiting) >= TERMINAL_HEADER.size:
            kind, length = TERMINAL_HEADER.unpack_from(waiting)
            end = TERMINAL_HEADER.size + length
            if len(waiting) < end:
                break
            payload, waiting = waiting[TERMINAL_HEADER.size : end], waiting[end:]
            if kind == TERMINAL_DATA:
                sys.stdout.buffer.write(payload)
                sys.stdout.buffer.flush()
            elif kind == TERMINAL_EXIT:
                self.exit_code = payload[0]
        return waiting


def attach_terminal(client: Client, uid: str, on_break: Callable[[str], None]) -> int | None:
    """Work in the session's shell until it ends (its exit code) or the user detaches (None).

    Raises:
        Conflict: the session is over.
        Unavailable: the relay could not be reached for a long time.
    """
    with _raw_terminal():
        deadline = time.monotonic() + _TRY_SECONDS
        while True:
            try:
                with _connected(client, uid) as attached:
                    detached = _pass_keys(attached)
                    deadline = time.monotonic() + _TRY_SECONDS
                    if detached or attached.exit_code is not None:
                        return None if detached else attached.exit_code
            except (OSError, WebSocketException) as error:
                on_break(str(error))
            if client.session(uid).final:
                raise Conflict(f"会话 {uid} 已经结束", code="session.over")
            if time.monotonic() > deadline:
                raise Unavailable(f"连不上会话 {uid} 的中继", code="session.relay_unreachable")
            time.sleep(_PAUSE_SECONDS)


@contextmanager
def _connected(client: Client, uid: str) -> Iterator[_Attached]:
    ticket = client.open_session(uid)
    address = relay_address(client.url, ticket.relay, f"{TERMINAL_PATH}/{uid}")
    local = any(f"//{host}:" in address or f"//[{host}]" in address for host in NO_PROXY)
    headers = {"Authorization": f"Bearer {ticket.ticket}"}
    with connect(address, additional_headers=headers, proxy=None if local else True, compression=None) as socket:
        attached = _Attached(socket)
        showing = threading.Thread(target=attached.show, daemon=True)
        showing.start()
        before = _on_resize(lambda *_: attached.resize())
        try:
            attached.resize()
            yield attached
        finally:
            _on_resize(before)
            socket.close()
            showing.join()


def _on_resize(
    handler: Callable[[int, FrameType | None], object] | int | None,
) -> Callable[[int, FrameType | None], object] | int | None:
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGWINCH, handler or signal.SIG_DFL)


def _pass_keys(attached: _Attached) -> bool:
    """Send keys until the connection is over; whether the user detached."""
    keys = sys.stdin.fileno()
    open_ = True
    while not attached.over.is_set():
        if not open_:
            attached.over.wait()
            break
        if not select.select([keys], [], [], 0.2)[0]:
            continue
        typed = os.read(keys, _KEYS)
        typed, detach, _ = typed.partition(DETACH) if os.isatty(keys) else (typed, b"", b"")
        if detach:
            attached.say(TERMINAL_DATA, typed)
            return True
        if not typed:
            open_, typed = False, _END_OF_FILE
        attached.say(TERMINAL_DATA, typed)
    return False


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Every key goes to the shell as it is, Ctrl-C too; afterwards the terminal is as it was."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
