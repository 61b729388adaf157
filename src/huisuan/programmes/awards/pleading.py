"""Being heard on a recovery: what its party says is answered before the recovery is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from huisuan.base.errors import Conflict, NotAllowed, Refused
from huisuan.programmes.models import Application, ApplicationStep
from huisuan.programmes.step_conditions import AskedStep


def a_plea_waits(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Only what was said is answered."""
    waiting = unanswered_pleas(applications)
    return {
        one.pk: Conflict(f"{one.number}：没有待答复的陈述申辩", code="award.nothing_pleaded")
        for one in applications
        if one.pk not in waiting
    }


def another_began(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Whoever began the recovery does not judge what is said against it."""
    begun = ApplicationStep.objects.filter(application__in=list(applications), action="recover")
    by = dict(begun.order_by("application_id", "number").values_list("application_id", "person_id"))
    return {
        one.pk: NotAllowed(
            f"{one.number}：追回由{asked.person.name}启动，陈述申辩由另一人答复", code="award.recovered_by_the_same"
        )
        for one in applications
        if by.get(one.pk) == asked.person.pk
    }


def no_plea_waits(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Nothing that was said waits for its answer."""
    waiting = unanswered_pleas(applications)
    return {
        one.pk: Conflict(f"{one.number}：对方的陈述申辩还没有答复，追回不能办结", code="award.plea_unanswered")
        for one in applications
        if one.pk in waiting
    }


def unanswered_pleas(applications: Iterable[Application]) -> set[int]:
    """Those of which the last word, since the recovery began, is what the party said."""
    steps = ApplicationStep.objects.filter(
        application__in=list(applications), action__in=("recover", "plead", "hear", "relent")
    ).order_by("application_id", "number")
    last = dict(steps.values_list("application_id", "action"))
    return {application for application, action in last.items() if action == "plead"}
