"""SHA-256 (FIPS 180-4) in hex: of bytes, of a text in UTF-8, of a file piece by piece."""

from __future__ import annotations

import hashlib
from pathlib import Path


def bytes_sha256(content: bytes) -> str:
    """The SHA-256 of bytes, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def text_sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, 64 hex digits."""
    return bytes_sha256(text.encode())


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file of any size, 64 hex digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
