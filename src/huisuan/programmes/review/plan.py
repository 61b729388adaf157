"""How experts review an application: what its procedure declares, with the figures of the day that was announced.

An application under a call is reviewed by the settings of the day on which the call was published, as they were known
then; any other by those of the day on which it began. So nothing changes under an applicant's hands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Application, Call, ProcedureEdition
from huisuan.programmes.review.scores import ReviewCriteria, ReviewCriterion


@dataclass(frozen=True)
class ReviewPlan:
    """The figures of a review. `field` names the fact that says what an expert must know; empty: any field will do."""

    criteria: ReviewCriteria
    blind: bool
    field: str
    panel: int
    alternates: int
    most_reviews: int
    tie_years: int
    trimmed: int
    spread: Fraction
    lowest_score: Fraction


def plan_of(application: Application) -> ReviewPlan:
    """How an application is reviewed.

    Raises:
        InvalidRequest: its procedure has no review by experts, or a figure of it was not set.
    """
    if application.call is not None:
        return plan_of_call(application.call)
    return _plan(application.edition, application.begun_at.astimezone(SHANGHAI).date())


def plan_of_call(call: Call) -> ReviewPlan:
    """How the applications of a call are reviewed.

    Raises:
        InvalidRequest: its procedure has no review by experts, or a figure of it was not set.
    """
    return _plan(call.edition, call.opened_at.astimezone(SHANGHAI).date())


def declared_review(edition: ProcedureEdition) -> Mapping[str, Any] | None:
    """What an edition declares of its review, settings by name; None: nothing."""
    return next((taken["review"] for taken in edition.content["steps"] if "review" in taken), None)


def _plan(edition: ProcedureEdition, day: date) -> ReviewPlan:
    declared = declared_review(edition)
    if declared is None:
        raise InvalidRequest(f"程序 {edition.key} 没有专家评审", code="review.not_in_procedure")
    policy = load_policy(edition.policy)
    held = policy.adopted(min(day, policy.valid_to), day)
    names = [*declared["figures"].values(), *(each["full"] for each in declared["criteria"])]
    if missing := sorted(name for name in set(names) if name not in held):
        raise InvalidRequest(
            f"程序 {edition.key} 的评审参数在 {day} 尚未确定：{'、'.join(missing)}；请先采用这些参数",
            code="review.figures_unset",
        )
    figures = {name: _whole(held[setting].value) for name, setting in declared["figures"].items()}
    low, high = figures.pop("low_percent"), figures.pop("high_percent")
    criteria = ReviewCriteria(
        tuple(_criterion(each, _whole(held[each["full"]].value)) for each in declared["criteria"]), low, high
    )
    spread, lowest = Fraction(figures.pop("spread")), Fraction(figures.pop("lowest_score"))
    return ReviewPlan(
        criteria, declared["blind"], declared["field"], spread=spread, lowest_score=lowest, **figures
    )  # fmt: skip


def _criterion(declared: Mapping[str, Any], full: int) -> ReviewCriterion:
    """A criterion whose full marks are its weight."""
    return ReviewCriterion(declared["key"], declared["zh"], most=full, weight=full)


def _whole(value: object) -> int:
    assert isinstance(value, int)  # by the kind of the setting
    return value
