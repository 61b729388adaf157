"""Ports for servers that a test starts, kills and starts again."""

from __future__ import annotations

import contextlib
import random
import socket

# Below what the system hands out by itself (from 32768): a port asked from it may be some connection's own by the time
# that a server is to have it, or to have it again. Above 10002 to 19999 and 20100 to 20499, which Ray has.
FIRST, LAST = 20_500, 32_700


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has.

    Raises:
        RuntimeError: none is free.
    """
    for port in random.sample(range(FIRST, LAST), 1000):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind((host, port))
            return port
    raise RuntimeError("no free port")
