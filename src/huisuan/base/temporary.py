"""Folders for work in progress, all under `temp` in the data directory; one whose process was killed is removed.

A folder is locked by the process that works in it. The system takes the lock away when that process ends, however it
ends, so that a lock, other than a process number, never names somebody else after a restart.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huisuan.base.paths import ensure_folder, home

TEMP_FOLDER = "temp"
_own: dict[tuple[int, Path], Path] = {}
_making = threading.Lock()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is there for the block, readable by its owner only."""
    remove_abandoned_folders()
    place, lock = _new_folder()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def process_folder() -> Path:
    """This process's own folder in the home, there until it ends."""
    key = os.getpid(), home()
    with _making:
        if key not in _own or not _own[key].is_dir():
            remove_abandoned_folders()
            _own[key], _ = _new_folder()  # the lock is never let go: the end of the process does that
            atexit.register(_remove, key)
        return _own[key]


def _remove(key: tuple[int, Path]) -> None:
    if key[0] == os.getpid() and key in _own:  # a fork's end is not ours
        shutil.rmtree(_own.pop(key), ignore_errors=True)


def _new_folder() -> tuple[Path, int]:
    """A folder, and the lock on it."""
    while True:
        place = ensure_folder(home() / TEMP_FOLDER) / secrets.token_hex(8)
        place.mkdir(mode=0o700)
        lock = lock_folder(place)
        if lock is not None:  # else somebody who tidied was faster, between the two lines above
            return place, lock


def lock_folder(folder: Path) -> int | None:
    """Lock a folder as long as the descriptor that this returns is open; None where another process holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def remove_abandoned_folders() -> list[str]:
    """Remove the folders of processes that are gone; gives their names within the home."""
    removed = []
    for place in sorted((home() / TEMP_FOLDER).glob("*")):
        if place.is_symlink() or not place.is_dir():
            continue
        lock = lock_folder(place)
        if lock is not None:
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)
            removed.append(f"{TEMP_FOLDER}/{place.name}")
    return removed
