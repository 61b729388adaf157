"""Background work beside a test: in a thread of its own, held where the test wants it; needs a transactional test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import psycopg
from django.db import connection, connections


@contextmanager
def held(table: str) -> Iterator[None]:
    """Another session keeps a table, so that whoever writes it next waits there."""
    with psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}) as other:
        other.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


@contextmanager
def in_background(work: Callable[[], None]) -> Iterator[None]:
    """The work, in a thread of its own with a connection of its own; over at the end."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
        assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
