"""Budget lines by persons who commit: opened and given money, carried over, and what was left taken back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import NotFound
from huisuan.law.policy import load_policy
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.payments.money_posts import committing_offices, require_line_post, require_money_post
from huisuan.programmes.workflow.begin import store_edition
from huisuan.treasury.ledger import get_line
from huisuan.treasury.lines import appropriate, carry_over, lapse, open_line
from huisuan.treasury.models import AppropriationLine


@transaction.atomic
def appropriate_budget(
    policy: str, key: str, year: int, fen: int, document: str, person: Person, now: datetime
) -> AppropriationLine:
    """Give money to the line of a programme in a year, under a document number; the line is opened if there is none.

    Raises:
        NotAllowed: no post to commit in force that day in an office that commits under the sentence.
        LawError: no such policy or programme.
        NotFound: nobody decides under the programme.
        InvalidRequest: no document, or an amount out of bounds.
        Conflict: the document was entered before, or less is available than is taken back.
    """
    store_edition(load_policy(policy), key)  # whose offices commit is read from it; nobody may have applied yet
    sentence, office = _decided_by(policy, key)
    require_money_post(person, Duty.COMMIT, now, among=committing_offices(policy, sentence))
    line = open_line(policy, sentence, year, office, person.username, now)
    appropriate(line, fen, document, treasury_act(person, now))
    return line


def budget_line(policy: str, key: str, year: int) -> AppropriationLine:
    """The line of a programme in a year.

    Raises:
        LawError: no such policy or programme.
        NotFound: nobody opened it, or nobody decides under the programme.
    """
    sentence, office = _decided_by(policy, key)
    return get_line(policy, sentence, year, office)


def _decided_by(policy: str, key: str) -> tuple[str, str]:
    """The sentence of a programme and the office that decides under it; where nobody decides, that which registers."""
    spec = load_policy(policy).programme(key)
    offices = {taken.duty: taken.office for taken in spec.steps}
    office = offices.get(Duty.DECIDE) or offices.get(Duty.REGISTER)
    if not office:
        raise NotFound(f"程序 {key} 没有决定的单位", code="award.no_deciding_office")
    return spec.sentence, office


@transaction.atomic
def carry_over_budget(line: AppropriationLine, year: int, person: Person, now: datetime) -> int:
    """Move what is committed and not ordered to the same line of a later year; returns how many instalments.

    Its money comes along, so that line is opened if there is none.

    Raises:
        NotAllowed: no post to commit in force that day in an office that commits under the sentence.
        Conflict: nothing is committed there, or the year is no later one.
    """
    require_line_post(line, person, now)
    into = open_line(line.policy, line.sentence, year, line.office, person.username, now)
    return carry_over(line, into, treasury_act(person, now))


@transaction.atomic
def lapse_budget(line: AppropriationLine, person: Person, now: datetime) -> int:
    """Take back what nobody was promised; how much that was, in fen.

    Raises:
        NotAllowed: no post to commit in force that day in an office that commits under the sentence.
        Conflict: nothing is left, or it was done before.
    """
    require_line_post(line, person, now)
    entry = lapse(line, treasury_act(person, now))
    return sum(posting.amount_fen for posting in entry.postings.all() if posting.amount_fen > 0)
