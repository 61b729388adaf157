"""What the law owes for what an application said when it was handed in: its last version, read as on that day."""

from __future__ import annotations

from collections.abc import Iterable

from huisuan.base.months import SHANGHAI
from huisuan.law.explain import explain
from huisuan.law.model import Answer
from huisuan.programmes.models import Application, ApplicationSubmission
from huisuan.programmes.submissions.content import submitted_values
from huisuan.programmes.submissions.reading_days import began_of


def law_answers(applications: Iterable[Application]) -> dict[int, Answer]:
    """The law's answer for each application that was handed in under a call, by row id."""
    wanted = {one.pk: one for one in applications if one.call_id is not None}
    last = (
        ApplicationSubmission.objects.filter(application__in=wanted)
        .select_related("application__edition")
        .order_by("application_id", "-version")
        .distinct("application_id")
    )
    return {made.application_id: answer_of(made) for made in last}


def answer_of(made: ApplicationSubmission) -> Answer:
    """What the law says for a submission, as it was known when that came."""
    policy, rule, values = submitted_values(made)
    known = made.at.astimezone(SHANGHAI).date()
    return explain(policy, rule, values, on=made.read_on, as_known=known, began=began_of(rule, values))
