"""The one running platform of a home: a lock that dies with its process, and a note of where it is."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psutil

from huisuan.base.errors import Conflict
from huisuan.base.paths import ensure_folder, home, write_private
from huisuan.client import INSTANCE_FILE, Instance, running_here

_LOCK = "up.lock"


@contextmanager
def sole_instance() -> Iterator[None]:
    """Be the one platform that runs from this home; a note left by one that was killed is removed.

    Raises:
        Refused: another one runs; says where.
    """
    lock = os.open(ensure_folder(home()) / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = running_here()
            if other is None:
                raise Conflict(
                    "另一个 huisuan up 正在启动或停止：请稍候再试", code="platform.already_running"
                ) from None
            raise Conflict(
                f"平台已在运行：{other.url}（进程 {other.pid}）；要重新启动，请先在它的终端按 Ctrl-C",
                code="platform.already_running",
            ) from None
        remove_instance()
        yield
        remove_instance()
    finally:
        os.close(lock)


def write_instance(url: str, token: str) -> Instance:
    """Note where the platform is, for its owner's eyes only."""
    process = psutil.Process()
    instance = Instance(url=url, pid=process.pid, born=process.create_time(), token=token)
    write_private(home() / INSTANCE_FILE, json.dumps(asdict(instance), indent=2))
    return instance


def remove_instance() -> None:
    """Remove the note."""
    (home() / INSTANCE_FILE).unlink(missing_ok=True)
