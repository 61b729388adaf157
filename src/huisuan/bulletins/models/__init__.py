"""What bulletins store."""

from huisuan.bulletins.models.bulletins import (
    Bulletin,
    BulletinIssue,
    BulletinKind,
    BulletinReview,
    BulletinSnapshot,
)

__all__ = ["Bulletin", "BulletinIssue", "BulletinKind", "BulletinReview", "BulletinSnapshot"]
