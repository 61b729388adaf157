"""Claims about persons: nothing is done on one before somebody it is about agreed, or once nobody agrees any more.

What was taken back the applicant does not bring back alone: a later consent counts once the office confirms it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Max, Q

from huisuan.base.errors import Conflict, Refused
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Application, ConsentWithdrawal, PersonConsent, ProcedureEdition
from huisuan.programmes.step_conditions import AskedStep

_PERSONS = frozenset({"person", "team"})


def is_about_persons(edition: ProcedureEdition) -> bool:
    """Whether the rule lets persons, or teams of persons, claim: then each whom a claim is about has to agree."""
    try:
        rule = load_policy(edition.policy).claim_rule(edition.rule_key)
    except LawError:  # its own page says what is wrong with it
        return False
    return not _PERSONS.isdisjoint(rule.claimants)


def standing_names(applications: Sequence[Application]) -> dict[int, list[str]]:
    """By application the names of those whose consent stands; given again after a withdrawal, once it is confirmed."""
    found: dict[int, list[str]] = {}
    counts = Q(again=False) | Q(confirmation__isnull=False)
    for one in PersonConsent.objects.filter(counts, application__in=applications, withdrawal=None):
        found.setdefault(one.application_id, []).append(one.name)
    return found


def is_closed_to_readers(application: Application) -> bool:
    """Whether anybody whom a claim is about took a consent back: its papers, of a team too, are read by nobody.

    They name who does not agree any more, whoever else still does. They open with a consent that was entered and
    confirmed after the last withdrawal (decision 082).
    """
    last = ConsentWithdrawal.objects.filter(consent__application=application).aggregate(at=Max("at"))["at"]
    if last is None:
        return False
    again = application.consents.filter(again=True, withdrawal=None, confirmation__isnull=False, at__gte=last)
    return not again.exists()


def are_agreed_to(applications: Sequence[Application], _asked: AskedStep) -> Mapping[int, Refused]:
    """Somebody whom the claim is about agreed to it, and did not take that back."""
    editions = {one.edition_id: one.edition for one in applications}
    about_persons = {pk for pk, edition in editions.items() if is_about_persons(edition)}
    wanted = [one for one in applications if one.edition_id in about_persons]
    standing = standing_names(wanted)
    rows = PersonConsent.objects.filter(application__in=wanted).values_list("application_id", "again", "withdrawal")
    once_agreed = {pk for pk, _again, _withdrawal in rows}
    waiting = {pk for pk, again, withdrawal in rows if again and withdrawal is None}
    return {
        one.pk: _refusal(one, withdrawn=one.pk in once_agreed, waits=one.pk in waiting)
        for one in wanted
        if one.pk not in standing
    }


def _refusal(one: Application, *, withdrawn: bool, waits: bool) -> Refused:
    if waits:
        return Conflict(
            f"{one.number}：撤回之后重新登记的同意，须由核验岗位看过新的同意书、确认之后才算数",
            code="consent.not_confirmed",
        )
    if withdrawn:
        return Conflict(f"{one.number}：本人已撤回同意，不再办理：由申报单位撤回，或不予批准", code="consent.withdrawn")
    return Conflict(f"{one.number}：还没有登记本人同意：请申报单位在此件的页面登记姓名和同意书", code="consent.missing")
