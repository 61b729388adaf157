"""A decision grants: the amount that it names, or that was computed, becomes an award."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.programmes.awards.offered import standing_offers
from huisuan.programmes.models import Application, ApplicationStep, Award
from huisuan.programmes.step_conditions import AskedStep


def name_an_amount(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """A decision names an amount above nothing; of an offer it is the one that was computed, named or not."""
    offers, refused = standing_offers(applications), {}
    for one in applications:
        offer = offers.get(one.pk)
        if offer is None and not asked.amount_fen:
            refused[one.pk] = InvalidRequest(
                f"{one.number}：批准须写明大于 0 的金额（分）", code="award.amount_missing"
            )
        elif offer is not None and asked.amount_fen not in (None, offer.amount_fen):
            refused[one.pk] = InvalidRequest(
                f"{one.number}：金额由平台核算，为 {offer.amount_fen} 分，批准时不写或照写",
                code="award.amount_is_computed",
            )
    return refused


def grant_awards(steps: Sequence[ApplicationStep]) -> None:
    """The award of each decision; of an offer it names the entitlement, and so the run."""
    offers = standing_offers([step.application for step in steps])
    Award.objects.bulk_create(
        Award(
            application=step.application, number=1, key=step.application.number, amount_fen=step.amount_fen or 0,
            entitlement_id=offers[step.application_id].entitlement_id if step.application_id in offers else None,
            step=step, reason=step.reason, by=step.person, granted_at=step.at,
        )
        for step in steps
    )  # fmt: skip
