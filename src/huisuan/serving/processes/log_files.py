"""A log of bounded size: one thread reads what a process says and is the only writer of its file.

Nothing is lost when a file is full and another is begun. On a full disk lines are dropped, and the process goes on.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import IO

_MAX_FILE_BYTES = 10 * 1024 * 1024  # of one file
_OLDER_KEPT = 4
_BLOCK_BYTES = 64 * 1024


class RotatingLog:
    """`web.log` and the older `web.1.log`, `web.2.log` … beside it."""

    def __init__(self, path: Path, most_bytes: int = _MAX_FILE_BYTES, older_kept: int = _OLDER_KEPT) -> None:
        self.path, self.most_bytes, self.older_kept = path, most_bytes, older_kept
        self._file = self._opened()

    def write(self, block: bytes) -> None:
        """Add to it, in the file that has room."""
        with contextlib.suppress(OSError):
            if self._file.tell() + len(block) > self.most_bytes and self._file.tell():
                self._rotate()
            self._file.write(block)

    def close(self) -> None:
        """Let the file go."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _opened(self) -> IO[bytes]:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(descriptor, "ab", buffering=0)
        file.seek(0, os.SEEK_END)
        return file

    def _rotate(self) -> None:
        for number in range(self.older_kept, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                self._older(number - 1).replace(self._older(number))
        self.path.replace(self._older(1))
        before, self._file = self._file, self._opened()
        before.close()

    def _older(self, number: int) -> Path:
        return self.path.with_suffix(f".{number}{self.path.suffix}")


def copy_to_log(source: IO[bytes], path: Path) -> threading.Thread:
    """Write what comes from a pipe to a log until it ends; the thread that does it."""
    log = RotatingLog(path)

    def copy() -> None:
        with contextlib.suppress(ValueError, OSError):  # closed
            while block := os.read(source.fileno(), _BLOCK_BYTES):
                log.write(block)
        log.close()

    thread = threading.Thread(target=copy, name=f"log {path.name}", daemon=True)
    thread.start()
    return thread
