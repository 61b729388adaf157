"""Files stored by the SHA-256 of their content: the same content once, whole or not at all, checked when it is read."""

from __future__ import annotations

import os
import secrets
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
        place = self.path_of(sha256)
        if not place.is_file():
            ensure_folder(place.parent)
            draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(place)
            except BaseException:  # a full disk, say
                draft.unlink(missing_ok=True)
                raise
        return sha256

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
