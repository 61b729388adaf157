"""A decision on money grants: its amount becomes an award."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.programmes.awards.offered import standing_offers
from huisuan.programmes.models import ApplicationStep, Award


def grant_awards(steps: Sequence[ApplicationStep]) -> None:
    """The award of each decision that has an amount; of an offer it names the entitlement, and so the run."""
    offers = standing_offers([step.application for step in steps])
    Award.objects.bulk_create(
        Award(
            application=step.application, number=1, key=step.application.number, amount_fen=step.amount_fen,
            entitlement_id=offers[step.application_id].entitlement_id if step.application_id in offers else None,
            step=step, reason=step.reason, by=step.person, granted_at=step.at,
        )
        for step in steps
        if step.amount_fen
    )  # fmt: skip
