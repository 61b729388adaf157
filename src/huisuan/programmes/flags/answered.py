"""What the workflow asks of flags: all are answered before an application moves on, and by nobody who checks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, NotAllowed, Refused
from huisuan.programmes.models import Application, ApplicationFlag, FlagReason
from huisuan.programmes.step_conditions import AskedStep


def flags_of(applications: Sequence[Application]) -> QuerySet[ApplicationFlag]:
    """The flags on some applications, whichever of two they stand with."""
    found = ApplicationFlag.objects.filter(Q(application__in=applications) | Q(other__in=applications))
    return found.select_related("application__party", "other__party", "answered_by")


def are_answered(applications: Sequence[Application], _asked: AskedStep) -> Mapping[int, Refused]:
    """Every flag is answered."""
    wait: dict[int, list[str]] = {}
    for flag in flags_of(applications).filter(answered_at__isnull=True):
        for pk in (flag.application_id, flag.other_id):
            if pk is not None:
                wait.setdefault(pk, []).append(FlagReason(flag.kind).label)
    return {
        one.pk: Conflict(
            f"{one.number}：有 {len(wait[one.pk])} 个疑点未答复（{'、'.join(dict.fromkeys(wait[one.pk]))}）；"
            "由核验人以外的人在此件的页面答复后再办",
            code="flag.not_answered",
        )
        for one in applications
        if one.pk in wait
    }


def checker_answered_none(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Whoever answered a flag does not check the application, or the other one."""
    mine = flags_of(applications).filter(answered_by=asked.person)
    answered = {pk for pair in mine.values_list("application", "other") for pk in pair}
    return {
        one.pk: NotAllowed(
            f"{one.number}：{asked.person.name}答复过它的疑点，不能再核验", code="flag.answered_by_checker"
        )
        for one in applications
        if one.pk in answered
    }
