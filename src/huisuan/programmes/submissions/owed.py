"""What the law owes for what an application said when it was handed in: its last version, read as on that day."""

from __future__ import annotations

from collections.abc import Iterable

from huisuan.base.months import SHANGHAI
from huisuan.law.explain import explain
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import Answer
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Application, ApplicationSubmission


def law_answers(applications: Iterable[Application]) -> dict[int, Answer]:
    """The law's answer for each application that was handed in under a call, by row id."""
    wanted = {one.pk: one for one in applications if one.call_id is not None}
    last = (
        ApplicationSubmission.objects.filter(application__in=wanted)
        .order_by("application_id", "-version")
        .distinct("application_id")
    )
    return {made.application_id: answer_of(made, wanted[made.application_id]) for made in last}


def answer_of(made: ApplicationSubmission, application: Application) -> Answer:
    """What the law says for a submission, as it was known when that came."""
    policy = load_policy(application.edition.policy)
    rule, values = policy.rule(application.edition.key), {}
    for spec in rule.facts:
        try:
            values[spec.name] = parse_cell(spec, str(made.facts.get(spec.name, "")), by_people=True)
        except InvalidCell:
            continue  # not known: the answer says so
    return explain(policy, rule, values, on=made.read_on, as_known=made.at.astimezone(SHANGHAI).date())
