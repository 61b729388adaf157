"""Reading bulletins: drafts for the province, what was issued for everybody."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

from django.db.models import JSONField, QuerySet
from django.db.models.functions import Cast

from huisuan.base.content_store import ContentDamaged, ContentMissing
from huisuan.base.errors import NotFound, Unavailable
from huisuan.bulletins.desk.statement import STATEMENT, issue_paper
from huisuan.bulletins.issuing.shelf import bulletins_shelf
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinReview
from huisuan.compute.keys.platform_key import public

_MOST_COMPARED = 40


class BulletinState(StrEnum):
    """How far a draft is."""

    DRAFT = "draft"
    RETURNED = "returned"
    PASSED = "passed"
    ISSUED = "issued"
    CORRECTED = "corrected"


def list_bulletins() -> QuerySet[Bulletin]:
    """Every draft with its review and its issue, the newest first."""
    return Bulletin.objects.select_related(
        "by", "snapshot", "before", "template", "review__by", "issue__by", "issue__corrected_by", "corrects__bulletin"
    )


def list_issues() -> QuerySet[BulletinIssue]:
    """What was issued, the newest first."""
    return BulletinIssue.objects.select_related("bulletin__snapshot", "bulletin__before", "corrects", "corrected_by")


def get_issue(number: int) -> BulletinIssue:
    """What the bulletin of that running number was issued as.

    Raises:
        NotFound: there is none, or it is a draft still.
    """
    found = list_issues().filter(bulletin_id=number).first()
    if found is None:
        raise NotFound(f"没有签发过第 {number} 号通报", code="bulletin.not_issued")
    return found


def issue_before(issue: BulletinIssue) -> BulletinIssue | None:
    """The issue that the figures of this one are compared with: of its snapshot before, the last version."""
    before = issue.bulletin.before_id
    return list_issues().filter(bulletin__snapshot_id=before, pk__lt=issue.pk).first() if before else None


def issues_to_compare(issue: BulletinIssue) -> list[BulletinIssue]:
    """Earlier issues of the same kind and, of figures, the same source: the newest first."""
    source = snapshot_of(issue.bulletin)[0].get("source")
    found = list_issues().filter(bulletin__kind=issue.bulletin.kind, pk__lt=issue.pk)
    if source:
        found = found.annotate(figures=Cast("bulletin__snapshot__content", JSONField())).filter(figures__source=source)
    texts = [f"bulletin__{one}__{field}" for one in ("snapshot", "before") for field in ("content", "kept")]
    return list(found.defer(*texts)[:_MOST_COMPARED])


def bulletin_state(bulletin: Bulletin) -> BulletinState:
    """How far it is."""
    issue: BulletinIssue | None = getattr(bulletin, "issue", None)
    if issue is not None:
        return BulletinState.CORRECTED if getattr(issue, "corrected_by", None) else BulletinState.ISSUED
    review: BulletinReview | None = getattr(bulletin, "review", None)
    if review is None:
        return BulletinState.DRAFT
    return BulletinState.PASSED if review.passed else BulletinState.RETURNED


def load_file(issue: BulletinIssue, name: str) -> bytes:
    """A file of an issued bulletin, unchanged; the statement of the issue is one of them.

    Raises:
        NotFound: it has no such file.
        Unavailable: it is gone from the shelf, or was changed there.
    """
    if name == STATEMENT:
        return issue_paper(issue.statement, issue.signature, public())
    if name not in issue.files:
        raise NotFound(f"{issue.number} 没有文件 {name[:40]}", code="bulletin.no_such_file")
    try:
        return bulletins_shelf().load(issue.files[name])
    except (ContentMissing, ContentDamaged):
        raise Unavailable(
            f"通报文件 {name} 不在数据目录里，或与签发时的摘要不符；请运维从备份恢复 bulletins/",
            code="bulletin.file_lost",
        ) from None


def state_bulletin(bulletin: Bulletin) -> dict[str, Any]:
    """As a command says it."""
    issue: BulletinIssue | None = getattr(bulletin, "issue", None)
    review: BulletinReview | None = getattr(bulletin, "review", None)
    return {
        "bulletin": bulletin.pk, "kind": bulletin.kind, "period": bulletin.period, "office": bulletin.office,
        "state": str(bulletin_state(bulletin)), "day": bulletin.snapshot.day.isoformat(),
        "snapshot_sha256": bulletin.snapshot.sha256, "drafted_by": bulletin.by.username,
        "reviewed_by": review.by.username if review else None, "note": review.note if review else "",
        "number": issue.number if issue else None, "issued_on": issue.day.isoformat() if issue else None,
        "files": issue.files if issue else {}, "corrects": bulletin.corrects.number if bulletin.corrects else None,
        "reason": bulletin.reason, "template": bulletin.template.number if bulletin.template else None,
    }  # fmt: skip


def snapshot_of(bulletin: Bulletin) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The figures that it follows from, and those that they are compared with."""
    before = json.loads(bulletin.before.content) if bulletin.before else None
    return json.loads(bulletin.snapshot.content), before
