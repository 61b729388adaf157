"""Where the files of the evidence lie: under the data directory, each by the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from huisuan.base.errors import Refused
from huisuan.base.paths import home, made


def place_of(sha256: str) -> Path:
    """Where a content lies: evidence/ab/cdef..."""
    return home() / "evidence" / sha256[:2] / sha256[2:]


def keep(content: bytes) -> str:
    """Keep a content, whole or not at all, readable by the platform only; its SHA-256."""
    sha256 = hashlib.sha256(content).hexdigest()
    place = place_of(sha256)
    if not place.is_file():
        made(place.parent)
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


def fetch(sha256: str) -> bytes:
    """A content that was kept, unchanged.

    Raises:
        Refused: it is gone, or is not what was kept.
    """
    try:
        content = place_of(sha256).read_bytes()
    except OSError:
        raise Refused(f"佐证材料 {sha256[:12]}… 的文件不在数据目录里；请运维从备份恢复 evidence/") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refused(f"佐证材料 {sha256[:12]}… 的文件与登记的摘要不符，不予提供；请运维从备份恢复 evidence/")
    return content
