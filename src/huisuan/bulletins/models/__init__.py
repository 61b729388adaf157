"""What bulletins store."""

from huisuan.bulletins.models.appeals import AppealAnswer, AppealTerm, ScoreAppeal
from huisuan.bulletins.models.bulletins import (
    Bulletin,
    BulletinIssue,
    BulletinKind,
    BulletinReview,
    BulletinSnapshot,
)

__all__ = [
    "AppealAnswer",
    "AppealTerm",
    "Bulletin",
    "BulletinIssue",
    "BulletinKind",
    "BulletinReview",
    "BulletinSnapshot",
    "ScoreAppeal",
]
