"""Committing again what was re-based: what was set aside and not paid is released, what is owed is set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import ACTION_WORDS, Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.committing import budget_lines, budget_year, make_promise, no_budget_line
from huisuan.programmes.awards.recovering import order_under_way, release_open
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.awards.up_to_date import are_up_to_date
from huisuan.programmes.flags.answered import are_answered
from huisuan.programmes.models import Application, Award, DutyHeld
from huisuan.programmes.step_conditions import AskedStep
from huisuan.programmes.workflow.permission import Permissions, unknown_application
from huisuan.treasury.commitments import commit
from huisuan.treasury.models import AppropriationLine, Commitment

_COMMITTED_BEFORE = (State.COMMITTED.value, State.PAYING.value, State.IN_RECOVERY.value)


def to_commit_again(numbers: Sequence[str]) -> list[str]:
    """Those that the treasury has committed before and that are not paid out yet."""
    living = Application.objects.filter(number__in=numbers, state__in=_COMMITTED_BEFORE)
    found = set(living.values_list("number", flat=True))
    return [number for number in numbers if number in found]


@transaction.atomic
def commit_again(numbers: Sequence[str], person: Person, now: datetime, year: int = 0) -> list[Award]:
    """Set the money of re-based awards aside anew, in the budget of a year (0: this one); all or none.

    Raises:
        NotFound: no such application, as far as the person may know; no budget line.
        NotAllowed: no post to commit in force that day.
        Conflict: it is committed as it stands, an order is at the bank, it is outdated again, or the line is exhausted.
    """
    locked = Application.objects.filter(number__in=numbers).order_by("pk").select_for_update(of=("self",), no_key=True)
    held = {one.number: one for one in locked.select_related("party", "edition")}
    applications = list(held.values())
    permissions = Permissions.load(person, "commit", "", applications, now)
    for number in numbers:
        if number not in held:
            raise unknown_application(number)
        if refusal := permissions.ask_duty(held[number]):
            raise refusal
        if held[number].state not in _COMMITTED_BEFORE:
            raise Conflict(
                f"{number}：还没有下达过资金；首次下达请办“{ACTION_WORDS['commit'].zh}”", code="award.not_committed_yet"
            )
    payload = {"budget_year": year} if year else {}
    asked = AskedStep("commit", person, now, None, payload)
    for condition in (are_answered, are_up_to_date):
        for refusal in condition(applications, asked).values():
            raise refusal
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=one, person=person, duty=Duty.COMMIT.value) for one in applications],
        ignore_conflicts=True,
    )
    asked_year = budget_year(payload, now.astimezone(SHANGHAI).date())
    lines, awards, committed = (
        budget_lines(applications, asked_year), standing_awards(applications), commitments_of(applications)
    )  # fmt: skip
    for one in applications:
        _commit_one(one, awards.get(one.pk), committed.get(one.pk, []), lines.get(one.pk), (person, now, asked_year))
    return [awards[one.pk] for one in applications]


def _commit_one(
    one: Application,
    award: Award | None,
    commitments: Sequence[Commitment],
    line: AppropriationLine | None,
    by: tuple[Person, datetime, int],
) -> None:
    person, now, year = by
    so_far = paid_so_far(commitments)
    if award is None or award.amount_fen == so_far.covered_fen:
        raise Conflict(f"{one.number}：资金已按现行金额下达，没有改动", code="award.committed_before")
    if so_far.ordered_fen:
        raise order_under_way(one.number, so_far.ordered_fen)
    act = treasury_act(person, now)
    release_open(commitments, act, f"{award.key} {award.reason}")
    missing = award.amount_fen - so_far.kept_fen
    if missing <= 0:
        return
    if line is None:
        raise no_budget_line(one, year)
    commit(line, [make_promise(one, award, missing, now.astimezone(SHANGHAI).date())], act)
