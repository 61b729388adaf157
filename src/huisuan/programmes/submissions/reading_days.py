"""By which day's law a claim under a call is read, and when what it is about had begun.

Whether the policy covers it is asked of the day on which that happened, where a fact says so (`role="event"`); its
settings are read by the day that the text, or the decided question, names: of payment, of application, of the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from huisuan.compute.fact_sources.rules import chosen_options
from huisuan.law.explain import default_day
from huisuan.law.model import DayBasis, Rule, Value
from huisuan.law.policy import Policy


@dataclass(frozen=True)
class ClaimDay:
    """The day on which the law is read for a claim, and on which what it is about began (None: nobody says)."""

    on: date
    began: date | None = None


def began_of(rule: Rule, values: Mapping[str, Value | None]) -> date | None:
    """When what a claim is about began, by the fact that says so."""
    found = values.get(rule.day_fact("began"))
    return found if isinstance(found, date) else None


def claim_day(
    policy: Policy, rule: Rule, values: Mapping[str, Value | None], today: date, paid: date | None = None
) -> ClaimDay:
    """The day for a claim that is handed in today; `paid`: when a city last paid what is claimed for, if it did.

    What happened outside the validity is read on its own day: the law then says that it is not covered.
    """
    applied, began = default_day(policy, today), began_of(rule, values)
    event = values.get(rule.day_fact("event"))
    declared = rule.reading_day
    basis = declared.chosen(chosen_options(policy, rule, applied, today)) if declared is not None else None
    if isinstance(event, date):
        read = policy.day_read(event, today, began)
        if read is None or not policy.in_force(read, today):
            return ClaimDay(event, began)
        if basis is DayBasis.EVENT:
            return ClaimDay(read, began)
    if basis is DayBasis.PAYMENT and paid is not None:
        return ClaimDay(paid, began)
    return ClaimDay(applied, began)


def depends_on_the_beginning(policy: Policy, event: date, known: date) -> bool:
    """Whether it turns on when it began that the policy covers what happened on a day."""
    read = (policy.day_read(event, known, began) for began in (date.min, policy.valid_from, event))
    return len({day is not None and policy.in_force(day, known) for day in read}) > 1
