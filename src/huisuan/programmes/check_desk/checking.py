"""Checking an application: everything is asked, the answers are kept; what was answered is read again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.check_desk.flag_answers import get_for_officials
from huisuan.programmes.checks.stored import last_round, store_round
from huisuan.programmes.flags.found_between import look_for_flags
from huisuan.programmes.models import Application, ApplicationCheck, CheckKind, DutyHeld
from huisuan.programmes.workflow.permission import Permissions, unknown_application


@transaction.atomic
def check_application(number: str, person: Person, now: datetime) -> list[ApplicationCheck]:
    """Ask everything of an application and keep the answers; the act "check" rests on them.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post to check it in force that day, tied to the applicant, or another duty in it.
        Conflict: it does not wait for its check.
    """
    locked = Application.objects.select_for_update(of=("self",), no_key=True).filter(number=number)
    application = locked.select_related("party", "city", "edition").first()
    if application is None:
        raise unknown_application(number)
    answer = Permissions.load(person, "check", "", [application], now).ask(application)
    if isinstance(answer, Refused):
        raise answer
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=application, person=person, duty=Duty.CHECK.value)], ignore_conflicts=True
    )
    look_for_flags(application, now)
    return store_round(application, person, now)


def list_checks(viewer: Viewer, number: str) -> list[dict[str, Any]]:
    """The newest round of checks of an application; none where nobody asked.

    Raises:
        NotFound: none of that number, as far as the viewer may know.
        NotAllowed: the viewer is who applies.
    """
    return checks_to_dicts(last_round(get_for_officials(viewer, number)))


def checks_to_dicts(answers: Sequence[ApplicationCheck]) -> list[dict[str, Any]]:
    """Answers as JSON carries them; times at Asia/Shanghai."""
    return [
        {
            "round": answer.round, "version": answer.submission.version if answer.submission else None,
            "kind": answer.kind, "what": CheckKind(answer.kind).label, "passed": answer.passed,
            "reason": answer.reason, "saw": answer.saw, "by": answer.by.username,
            "at": answer.at.astimezone(SHANGHAI).isoformat(),
        }
        for answer in answers
    ]  # fmt: skip


def check_where_nobody_has(numbers: Sequence[str], person: Person, now: datetime) -> None:
    """Ask everything of those of some applications whose present version nobody has asked about; others are left.

    Who may not check one is told so by the act that follows.
    """
    for application in Application.objects.filter(number__in=numbers, call__isnull=False):
        answers, submission = last_round(application), application.submissions.last()
        if submission is not None and not (answers and answers[0].submission_id == submission.pk):
            with suppress(Refused):
                check_application(application.number, person, now)
