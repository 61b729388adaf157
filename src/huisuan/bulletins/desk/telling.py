"""Who gets a message when a correction is out: those whose appeals it follows."""

from __future__ import annotations

from datetime import datetime

from huisuan.bulletins.models import BulletinIssue, ScoreAppeal
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import Recipients, people_of_city, this_person
from huisuan.parties.models import Role


def tell_of_correction(issue: BulletinIssue, now: datetime) -> None:
    """Those whose appeals were upheld, when the correction is out."""
    upheld = ScoreAppeal.objects.filter(issue=issue.corrects, answer__upheld=True).select_related("issue", "by")
    notify_all(
        [
            Notice("score_appeal_corrected", {"number": str(one.pk), "issue": one.issue.number, "newer": issue.number},
                   appellants_of(one), f"appeal/{one.pk}/corrected", f"/bulletins/{issue.bulletin_id}")
            for one in upheld
        ],
        now,
    )  # fmt: skip


def appellants_of(appeal: ScoreAppeal) -> tuple[Recipients, ...]:
    """Whoever appealed, and everybody of their city."""
    person = this_person(appeal.by)
    is_city = appeal.by.role == Role.CITY and appeal.by.city_id
    return (person, people_of_city(str(appeal.by.city_id))) if is_city else (person,)
