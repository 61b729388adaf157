"""Files stored by the SHA-256 of their content: the same content once, whole or not at all, checked when it is read."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from huisuan.base.hashing import bytes_sha256
from huisuan.base.paths import ensure_folder


class ContentMissing(Exception):
    """The file of a content is not there."""


class ContentDamaged(Exception):
    """The file of a content holds something else."""


class ContentStore:
    """Contents under `folder`, each in a file of its own (`ab/cdef...`) that only its owner can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, sha256: str) -> Path:
        """Where a content lies, stored or not."""
        return self.folder / sha256[:2] / sha256[2:]

    def store(self, content: bytes) -> str:
        """Store a content that is on disk when this returns; its SHA-256."""
        sha256 = bytes_sha256(content)
        return sha256 if self.path_of(sha256).is_file() else self.store_pieces([content])

    def store_pieces(self, pieces: Iterable[bytes]) -> str:
        """Store a content that comes in pieces, never held as a whole; its SHA-256."""
        counted = hashlib.sha256()
        draft = ensure_folder(self.folder) / f".draft.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in pieces:
                    counted.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            place = self.path_of(counted.hexdigest())
            ensure_folder(place.parent)
            draft.replace(place)
        except BaseException:  # a full disk, say
            draft.unlink(missing_ok=True)
            raise
        return counted.hexdigest()

    def load(self, sha256: str) -> bytes:
        """A stored content, unchanged.

        Raises:
            ContentMissing: there is no such file.
            ContentDamaged: the file's SHA-256 is another.
        """
        try:
            content = self.path_of(sha256).read_bytes()
        except OSError:
            raise ContentMissing(sha256) from None
        if bytes_sha256(content) != sha256:
            raise ContentDamaged(sha256)
        return content
