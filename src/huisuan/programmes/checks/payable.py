"""What is payable for what was handed in under a call: what the law owes, less what other rules pay for the same spend.

The rules of one ground follow one another as declared (011). What another claim was granted before stays granted: who
is decided later takes no more than the rest of what all of them give together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from huisuan.base.months import SHANGHAI
from huisuan.law.explain import RuleInput, combine_answers
from huisuan.law.model import Answer, LawError
from huisuan.law.policy import ground_of
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.checks.law_answer import asked_rule, one_a_rule, others_on_the_ground
from huisuan.programmes.models import Application, ApplicationSubmission, Award
from huisuan.programmes.submissions.owed import law_answers

_Applicant = tuple[int | None, str | None, int]  # party, city, year


@dataclass(frozen=True)
class Payable:
    """The law's answer for a claim, and what of its amount may be paid, in fen (None: no number can be given)."""

    answer: Answer
    fen: int | None


def payable_answers(applications: Iterable[Application]) -> dict[int, Payable]:
    """By application what was handed in under a call is answered, and what of it is payable."""
    asked = {one.pk: one for one in applications if one.call_id is not None}
    answers = law_answers(asked.values())
    several = _with_other_claims(asked.values()) if any(answer.amount_fen for answer in answers.values()) else set()
    found = {}
    for pk, answer in answers.items():
        alone = _applicant(asked[pk]) not in several
        found[pk] = Payable(answer, answer.amount_fen if alone else _payable(asked[pk], answer.amount_fen))
    return found


def _payable(application: Application, amount: int | None) -> int | None:
    own = asked_rule(application) if amount else None
    if not amount or own is None or "/" in ground_of(own.place):
        return amount
    others = list(others_on_the_ground(application))
    if not others:
        return amount
    asked = [each for _, each in others if each is not None]
    if len(asked) < len(others):  # what cannot be read any more: nobody knows how the two follow one another
        return None
    last = application.submissions.last()
    assert last is not None  # a claim under a call was handed in
    payable = _in_turn([own, *asked], last)
    mine = payable.get(own.place.key)
    if mine is None:
        return None
    awards, turns = _granted([application, *(other for other, _ in others)])
    before = sum(
        awards[other.pk]
        for other, _ in others
        if other.pk in awards and turns[other.pk] < turns.get(application.pk, turns[other.pk] + 1)
    )
    return max(0, min(mine, sum(fen or 0 for fen in payable.values()) - before)) if before else mine


def _in_turn(asked: list[RuleInput], made: ApplicationSubmission) -> dict[str, int | None]:
    """By rule what is payable for the claims of one ground; nothing where that cannot be computed."""
    known = made.at.astimezone(SHANGHAI).date()
    try:
        combined = combine_answers(one_a_rule(asked), on=made.read_on, as_known=known)
    except LawError:
        return {}
    return {row.place.key: row.payable_fen for layer in combined for row in layer.rows}


def _granted(applications: list[Application]) -> tuple[dict[int, int], dict[int, int]]:
    """By application what it is granted now (fen), and its turn: the row id of its first award."""
    awards = {pk: award.amount_fen for pk, award in standing_awards(applications).items()}
    firsts = Award.objects.filter(application__in=applications, number=1)
    return awards, dict(firsts.values_list("application_id", "pk"))


def _with_other_claims(applications: Iterable[Application]) -> set[_Applicant]:
    """The applicants that have more than one application of a year."""
    asked = list(applications)
    rows = Application.objects.filter(
        Q(party__in={one.party_id for one in asked if one.party_id})
        | Q(city__in={one.city_id for one in asked if one.city_id}),
        year__in={one.year for one in asked},
    ).only("party_id", "city_id", "year")  # fmt: skip
    claims = Counter(_applicant(one) for one in rows)
    return {applicant for applicant, number in claims.items() if number > 1}


def _applicant(one: Application) -> _Applicant:
    return one.party_id, one.city_id, one.year
