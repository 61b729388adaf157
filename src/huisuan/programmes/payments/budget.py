"""Budget lines by persons who commit: opened and given money, carried over, and what was left taken back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import NotFound
from huisuan.law.policy import load_policy
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.payments.returns import require_money_post
from huisuan.treasury.ledger import get_line
from huisuan.treasury.lines import appropriate, carry_over, lapse, open_line
from huisuan.treasury.models import AppropriationLine, Entry


@transaction.atomic
def appropriate_budget(
    policy: str, key: str, year: int, fen: int, document: str, person: Person, now: datetime
) -> AppropriationLine:
    """Give money to the line of a programme in a year, under a document number; the line is opened if there is none.

    Raises:
        NotAllowed: no post to commit in force that day.
        LawError: no such policy or programme.
        NotFound: nobody decides under the programme.
        InvalidRequest: no document, or an amount out of bounds.
        Conflict: the document was entered before, or less is available than is taken back.
    """
    require_money_post(person, Duty.COMMIT, now)
    spec = load_policy(policy).programme(key)
    office = next((taken.office for taken in spec.steps if taken.duty is Duty.DECIDE), "")
    if not office:
        raise NotFound(f"程序 {key} 没有决定的单位", code="award.no_deciding_office")
    line = open_line(policy, spec.sentence, year, office, person.username, now)
    appropriate(line, fen, document, treasury_act(person, now))
    return line


@transaction.atomic
def carry_over_budget(line: AppropriationLine, year: int, person: Person, now: datetime) -> int:
    """Move what is committed and not ordered to the same line of a later year; returns how many instalments.

    Raises:
        NotAllowed: no post to commit in force that day.
        NotFound: that line was not opened.
        Conflict: nothing is committed there, or the year is no later one.
    """
    require_money_post(person, Duty.COMMIT, now)
    into = get_line(line.policy, line.sentence, year, line.office)
    return carry_over(line, into, treasury_act(person, now))


@transaction.atomic
def lapse_budget(line: AppropriationLine, person: Person, now: datetime) -> Entry:
    """Take back what nobody was promised.

    Raises:
        NotAllowed: no post to commit in force that day.
        Conflict: nothing is left, or it was done before.
    """
    require_money_post(person, Duty.COMMIT, now)
    return lapse(line, treasury_act(person, now))
