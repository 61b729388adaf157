"""Who is told of appeals: the working group when one comes, whoever appealed when it is answered and corrected."""

from __future__ import annotations

from datetime import datetime, timedelta

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.queries import appeal_standing
from huisuan.bulletins.models import AppealAnswer, BulletinIssue, ScoreAppeal
from huisuan.messages.notify import Notice, notify, notify_all
from huisuan.messages.recipients import Recipients, people_of_city, this_person, working_group
from huisuan.parties.models import Region, Role


def tell_of_appeal(appeal: ScoreAppeal, now: datetime) -> None:
    """The working group, with the last day on which it is to be answered."""
    due = appeal_standing(appeal, now).due
    region = Region.objects.filter(code=appeal.region).values_list("name_zh", flat=True).first()
    values: dict[str, str | int] = {
        "number": str(appeal.pk), "issue": appeal.issue.number, "by": appeal.office or region or appeal.region,
        "day": (due - timedelta(days=1)).astimezone(SHANGHAI).date().isoformat() if due else "—",
    }  # fmt: skip
    notify(
        "score_appeal_made", values, to=[working_group()], key=f"appeal/{appeal.pk}", now=now, link=_page(appeal),
        besides=appeal.by.username,
    )  # fmt: skip


def tell_of_answer(answer: AppealAnswer, now: datetime) -> None:
    """Whoever appealed, and their city."""
    appeal = answer.appeal
    code = "score_appeal_upheld" if answer.upheld else "score_appeal_rejected"
    values: dict[str, str | int] = {"number": str(appeal.pk), "issue": appeal.issue.number}
    notify(code, values, to=_appellants(appeal), key=f"appeal/{appeal.pk}/answer", now=now, link=_page(appeal))


def tell_of_correction(issue: BulletinIssue, now: datetime) -> None:
    """Those whose appeals were upheld, when the correction is out."""
    upheld = ScoreAppeal.objects.filter(issue=issue.corrects, answer__upheld=True).select_related("issue", "by")
    notify_all(
        [
            Notice("score_appeal_corrected", {"number": str(one.pk), "issue": one.issue.number, "newer": issue.number},
                   _appellants(one), f"appeal/{one.pk}/corrected", f"/bulletins/{issue.bulletin_id}")
            for one in upheld
        ],
        now,
    )  # fmt: skip


def _appellants(appeal: ScoreAppeal) -> tuple[Recipients, ...]:
    person = this_person(appeal.by)
    is_city = appeal.by.role == Role.CITY and appeal.by.city_id
    return (person, people_of_city(str(appeal.by.city_id))) if is_city else (person,)


def _page(appeal: ScoreAppeal) -> str:
    return f"/bulletins/appeals/{appeal.pk}"
