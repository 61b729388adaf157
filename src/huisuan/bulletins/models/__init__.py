"""What bulletins store."""

from huisuan.bulletins.models.appeals import AppealAnswer, AppealTerm, DepartmentDelegate, ScoreAppeal
from huisuan.bulletins.models.bulletins import (
    Bulletin,
    BulletinIssue,
    BulletinKind,
    BulletinReview,
    BulletinSnapshot,
    BulletinTemplate,
)

__all__ = [
    "AppealAnswer",
    "AppealTerm",
    "Bulletin",
    "BulletinIssue",
    "BulletinKind",
    "BulletinReview",
    "BulletinSnapshot",
    "BulletinTemplate",
    "DepartmentDelegate",
    "ScoreAppeal",
]
