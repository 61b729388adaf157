"""Trees of files as a hostile job leaves them, made on the disk of this machine."""

from __future__ import annotations

import os
from pathlib import Path

WORST_NAME = b"\xff" * 255  # as long as a name may be, and 1,020 characters as text


def deep_tree(folder: Path, levels: int, name: bytes = b"d") -> None:
    """A chain of so many folders, each with a file: deeper than any path may be long."""
    folder.mkdir(exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.close(os.open(b"file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=handle))
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)


def sparse_file(path: Path, size: int) -> None:
    """A file that claims to be of that size, and holds nothing."""
    with path.open("wb") as file:
        file.truncate(size)
