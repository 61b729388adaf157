"""Where contents at the gate lie: what came in and what was made of it, apart from what was let out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from huisuan.base.content_store import ContentDamaged, ContentMissing, ContentStore
from huisuan.base.errors import Unavailable
from huisuan.base.hashing import file_sha256
from huisuan.base.paths import home

_PIECE = 1024 * 1024  # bytes


def quarantine() -> ContentStore:
    """What nobody may open: uploads, their names, and products before their release."""
    return ContentStore(home() / "opendata" / "quarantine")


def released_shelf() -> ContentStore:
    """Products that were let out; whether they still are, the database says."""
    return ContentStore(home() / "opendata" / "released")


def load_content(store: ContentStore, sha256: str) -> bytes:
    """A content, unchanged.

    Raises:
        Unavailable: it is gone, or is not what was stored.
    """
    try:
        return store.load(sha256)
    except (ContentMissing, ContentDamaged):
        raise _lost(sha256) from None


def checked_path(store: ContentStore, sha256: str) -> Path:
    """Where a content lies that is as it was stored.

    Raises:
        Unavailable: it is gone, or is not what was stored.
    """
    path = store.path_of(sha256)
    try:
        unchanged = file_sha256(path) == sha256
    except OSError:
        unchanged = False
    if not unchanged:
        raise _lost(sha256)
    return path


def stored_pieces(store: ContentStore, sha256: str) -> Iterator[bytes]:
    """A content that is as it was stored, piece by piece.

    Raises:
        Unavailable: it is gone, or is not what was stored.
    """
    with checked_path(store, sha256).open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _lost(sha256: str) -> Unavailable:
    return Unavailable(
        f"开放数据文件 {sha256[:12]}… 不在数据目录里，或与登记的摘要不符；请运维从备份恢复 opendata/",
        code="gate.content_lost",
    )
