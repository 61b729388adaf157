"""What a city hands in under a rule that shares its payments: a claim on the vouchers of the project that it names.

What it paid is read from the register of vouchers whenever it is asked, not from what the submission froze.
"""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.law.model import to_json
from huisuan.law.procedure import ObjectKind
from huisuan.programmes.models import ApplicationStep, ApplicationSubmission, CityShare
from huisuan.programmes.submissions.content import facts_by_voucher, submitted_values
from huisuan.treasury.city_payments import normal_project


def record_shares(steps: Sequence[ApplicationStep]) -> None:
    """Store what the submissions of some steps claim a share of; a correction adds a row, and the last counts."""
    made = ApplicationSubmission.objects.filter(step__in=list(steps), application__city__isnull=False)
    for submission in made.select_related("application__edition"):
        _record_share(submission)


def _record_share(made: ApplicationSubmission) -> None:
    _, rule, values = submitted_values(made)
    vouched = facts_by_voucher(rule)
    project = next((each["typed"] for each in made.named if each["kind"] == ObjectKind.PROJECT.value), None)
    if not vouched or project is None:
        return
    declared = {
        name: to_json(value) for name, value in values.items() if value is not None and name not in vouched
    }  # fmt: skip
    CityShare.objects.create(
        application=made.application, number=made.application.shares.count() + 1, project=normal_project(project),
        declared=declared, by_id=made.by_id, at=made.at,
    )  # fmt: skip
