"""Checking an application: everything is asked, the answers are kept; what was answered is read again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.relation_history import HoldingsOn
from huisuan.parties.viewer import Viewer
from huisuan.programmes.check_desk.flag_answers import get_for_officials
from huisuan.programmes.checks.stored import last_round, store_round
from huisuan.programmes.flags.found_between import look_for_flags
from huisuan.programmes.models import Application, ApplicationCheck, ApplicationSubmission, CheckKind, DutyHeld
from huisuan.programmes.workflow.permission import Permissions, unknown_application


@transaction.atomic
def check_application(
    number: str, person: Person, now: datetime, holdings: HoldingsOn | None = None
) -> list[ApplicationCheck]:
    """Ask everything of an application and keep the answers; the act "check" rests on them.

    `holdings` are the relations of the day, where many are checked with them.

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
    held = holdings or HoldingsOn(now.astimezone(SHANGHAI).date())
    look_for_flags(application, now, held)
    return store_round(application, person, now, held)


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
    holdings = HoldingsOn(now.astimezone(SHANGHAI).date())
    for number in _not_checked(numbers):
        with suppress(Refused):
            check_application(number, person, now, holdings)


def _not_checked(numbers: Sequence[str]) -> list[str]:
    """Those that were handed in, and whose newest round of checks is not of their present version."""
    newest = ApplicationSubmission.objects.filter(application=OuterRef("pk")).order_by("-version")
    asked = ApplicationCheck.objects.filter(application=OuterRef("pk")).order_by("-round", "pk")
    found = Application.objects.filter(number__in=numbers, call__isnull=False).annotate(
        version_now=Subquery(newest.values("pk")[:1]), version_asked=Subquery(asked.values("submission")[:1])
    )
    found = found.filter(version_now__isnull=False).exclude(version_asked=F("version_now"), version_asked__isnull=False)
    return list(found.order_by("pk").values_list("number", flat=True))
