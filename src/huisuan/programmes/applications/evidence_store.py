"""Where the files of the evidence lie: under the data directory, each by the SHA-256 of its content."""

from __future__ import annotations

from huisuan.base.content_store import ContentDamaged, ContentMissing, ContentStore
from huisuan.base.errors import Unavailable
from huisuan.base.paths import home


def evidence_store() -> ContentStore:
    """The store, in the home of this process."""
    return ContentStore(home() / "evidence")


def load_evidence(sha256: str) -> bytes:
    """A content that was stored, unchanged.

    Raises:
        Unavailable: it is gone, or is not what was stored.
    """
    try:
        return evidence_store().load(sha256)
    except ContentMissing:
        raise Unavailable(
            f"佐证材料 {sha256[:12]}… 的文件不在数据目录里；请运维从备份恢复 evidence/", code="evidence.file_missing"
        ) from None
    except ContentDamaged:
        raise Unavailable(
            f"佐证材料 {sha256[:12]}… 的文件与登记的摘要不符，不予提供；请运维从备份恢复 evidence/",
            code="evidence.file_damaged",
        ) from None
