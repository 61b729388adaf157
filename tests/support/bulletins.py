"""Bulletins that tests read: one issued, and the correction of it that waits for its review."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.months import SHANGHAI
from huisuan.bulletins.appeals.queries import appealable_rows
from huisuan.bulletins.appeals.services import MadeAppeal, make_appeal
from huisuan.bulletins.desk.queries import snapshot_of
from huisuan.bulletins.desk.services import (
    DraftedWords,
    correct_bulletin,
    draft_bulletin,
    issue_bulletin,
    review_bulletin,
)
from huisuan.bulletins.issuing.openness_letter import DEMANDS
from huisuan.bulletins.models import Bulletin, BulletinIssue, BulletinKind, ScoreAppeal
from huisuan.opendata.scores.formula import load_formula
from huisuan.opendata.scores.queries import freeze_openness
from huisuan.parties.models import Person
from huisuan.portal.bulletins.archive import composed_of, letter_of


def working_group(name: str) -> Person:
    """Somebody of the province."""
    found = Person.objects.filter(username=name).first()
    return found or Person.objects.create_person(name, None, role="province", name=name)


def issued_bulletin(now: datetime) -> BulletinIssue:
    """A bulletin of the scores as they stand, and a draft that corrects it."""
    drafter, reviewer = working_group("drafter"), working_group("reviewer")
    frozen = freeze_openness(load_formula(), now)
    words = DraftedWords("office", "2026 Q3", DEMANDS)
    number = draft_bulletin(BulletinKind.OPENNESS, frozen, words, drafter, now).pk
    review_bulletin(number, True, "", reviewer, now)
    issue = issue_bulletin(number, f"No {number}", now.astimezone(SHANGHAI).date(), drafter, now)
    correct_bulletin(number, frozen, "wrong", reviewer, now)
    return issue


def appealed(issue: BulletinIssue, city: Person, now: datetime) -> ScoreAppeal:
    """A city's appeal against the first row of an issue that is its own, unanswered."""
    region, office = appealable_rows(issue, city, now)[0]
    return make_appeal(issue.bulletin_id, MadeAppeal(region, office, "", "why"), city, now)


def bulletin_texts() -> list[str]:
    """Everything in Chinese that the bulletins themselves say: a page shows it as it stands."""
    texts = list(DEMANDS)
    for bulletin in Bulletin.objects.all():
        letter, figures = letter_of(bulletin), snapshot_of(bulletin)[0]
        texts += [letter.title, letter.note, *(part.text for part in letter.body), figures["formula"]["authority"]]
        texts += [picture.title for picture in composed_of(bulletin).pictures]
        for annex in letter.annexes:
            texts += [annex.title, annex.note, *(column.title for column in annex.columns)]
            texts += [text for row in annex.rows for text in row]
    return texts
