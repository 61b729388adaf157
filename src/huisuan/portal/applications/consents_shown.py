"""The persons whom an application is about, as its page shows them: least data, and what the reader may enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from huisuan.law.procedure import CLOSING_STATES, State
from huisuan.parties.models import Person
from huisuan.programmes.check_desk.consents import (
    may_confirm_consents,
    may_withdraw_consents,
    shown_name,
    waits_for_confirmation,
)
from huisuan.programmes.models import Application, ConsentWithdrawal, PersonConsent
from huisuan.programmes.submissions.consented import is_about_persons
from huisuan.programmes.workflow.permission import is_applicant


@dataclass(frozen=True)
class ConsentShown:
    """One person: the name as far as the reader may see it, and the day on which the consent was taken back.

    One that `waits` was given again after a withdrawal: it does not count before the office confirms it.
    """

    consent: PersonConsent
    name: str
    withdrawn_on: date | None
    waits: bool


@dataclass(frozen=True)
class ConsentsShown:
    """All of them, and whether the reader may enter one, enter that one was taken back, confirm one given again."""

    rows: tuple[ConsentShown, ...]
    gives: bool
    withdraws: bool
    confirms: bool

    @property
    def standing(self) -> list[ConsentShown]:
        """Those that were not taken back."""
        return [row for row in self.rows if row.withdrawn_on is None]


def read_consents(application: Application, person: Person, now: datetime) -> ConsentsShown | None:
    """None where the claim is about no persons."""
    if not is_about_persons(application.edition):
        return None
    own = is_applicant(person, application)
    told = ConsentWithdrawal.objects.filter(consent__application=application)
    days = dict(told.values_list("consent_id", "withdrawn_on"))
    rows = application.consents.select_related("by", "confirmation")
    shown = tuple(
        ConsentShown(one, shown_name(one, whole=own), days.get(one.pk), waits_for_confirmation(one)) for one in rows
    )
    over = State(application.state) in CLOSING_STATES
    confirms = any(row.waits for row in shown) and may_confirm_consents(application, person, now)
    return ConsentsShown(shown, own and not over, may_withdraw_consents(application, person, now), confirms)
