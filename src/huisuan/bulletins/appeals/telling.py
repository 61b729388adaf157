"""Who gets a message of appeals: the working group when one comes, whoever appealed when it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.queries import appeal_standing
from huisuan.bulletins.desk.telling import appellants_of
from huisuan.bulletins.models import AppealAnswer, ScoreAppeal
from huisuan.messages.notify import notify
from huisuan.messages.recipients import working_group


def tell_of_appeal(appeal: ScoreAppeal, now: datetime) -> None:
    """The working group, with the last day on which it is to be answered."""
    due = appeal_standing(appeal, now).due
    values: dict[str, str | int] = {
        "number": str(appeal.pk), "issue": appeal.issue.number, "by": appeal.office or appeal.by.name,
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
    notify(code, values, to=appellants_of(appeal), key=f"appeal/{appeal.pk}/answer", now=now, link=_page(appeal))


def _page(appeal: ScoreAppeal) -> str:
    return f"/bulletins/appeals/{appeal.pk}"
