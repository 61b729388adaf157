"""Issuing a document of what is on record, by somebody of the office that signs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from django.db import connection, transaction

from huisuan.base.errors import InvalidRequest, NotAllowed, Refused
from huisuan.base.months import SHANGHAI
from huisuan.documents.issuing import About, issue_document
from huisuan.documents.models import Document, DocumentKind
from huisuan.law.model import LawError
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.calls.queries import get_call
from huisuan.programmes.models import Application
from huisuan.programmes.notices.queries import get_notice
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.papers.adverse import recovery_paper, refusal_paper, revocation_paper
from huisuan.programmes.papers.call_letter import call_paper
from huisuan.programmes.papers.letters import correction_paper, decision_paper, notice_paper
from huisuan.programmes.papers.money_letters import funds_paper, payment_list_paper
from huisuan.programmes.papers.paper import Paper
from huisuan.programmes.payments.bank_queries import get_bank_file
from huisuan.programmes.payments.money_posts import require_money_post
from huisuan.programmes.workflow.queries import get_application


def _of_application(write: Callable[[Application], Paper]) -> Callable[[str, Person, datetime], Paper]:
    return lambda number, by, _now: write(get_application(Viewer.for_person(by), number))


def _payment_list(number: str, by: Person, now: datetime) -> Paper:
    return payment_list_paper(get_bank_file(number, by, now), min(require_money_post(by, Duty.PAY, now)))


#: kind -> the paper of a number, as far as its asker may see it
PAPERS: Mapping[str, Callable[[str, Person, datetime], Paper]] = {
    "call": lambda number, _by, _now: call_paper(get_call(number)),
    "publicity": lambda number, _by, _now: notice_paper(get_notice(number)),
    "correction": _of_application(correction_paper),
    "decision": _of_application(decision_paper),
    "refusal": _of_application(refusal_paper),
    "revocation": _of_application(revocation_paper),
    "funds": _of_application(funds_paper),
    "payment_list": _payment_list,
    "recovery": _of_application(recovery_paper),
}
#: kind -> the kinds that it takes back: whoever checks one of them is led to it
_TAKES_BACK: Mapping[str, tuple[str, ...]] = {DocumentKind.REVOCATION: (DocumentKind.DECISION,)}


def list_issuable(number: str, kinds: Iterable[str], by: Person, now: datetime) -> list[str]:
    """Of some kinds those that the record of a number says and this person may sign today."""
    offices = set(posts_in_force(by, now.astimezone(SHANGHAI).date()).values_list("office__name", flat=True))
    found: list[str] = []
    for kind in kinds if offices and not by.machine else ():
        with suppress(Refused, LawError):
            if PAPERS[kind](number, by, now).office in offices:
                found.append(kind)
    return found


@transaction.atomic
def issue_from_record(kind: str, number: str, by: Person, now: datetime) -> Document:
    """Issue what the record says; issued again, the new one replaces the one before.

    Raises:
        InvalidRequest: no such kind.
        NotFound: no such record, as far as the person may know.
        Conflict: the record does not say it.
        NotAllowed: nobody with a post in the office that signs.
    """
    if kind not in PAPERS:
        raise InvalidRequest(f"没有公文种类 {kind}：可用 {'、'.join(PAPERS)}", code="paper.kind_unknown")
    # the record stands still while it is written down: no step is taken meanwhile, and nobody else issues the same
    Application.objects.select_for_update(of=("self",), no_key=True).filter(number=number).first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"paper {number}"])
    paper = PAPERS[kind](number, by, now)
    if not posts_in_force(by, now.astimezone(SHANGHAI).date()).filter(office__name=paper.office).exists():
        raise NotAllowed(f"{paper.office}的公文由它当天在任的岗位签发", code="paper.no_post_in_force")
    kinds = (paper.kind, *_TAKES_BACK.get(paper.kind, ()))
    before = Document.objects.filter(kind__in=kinds, subject=paper.subject, replaced_by__isnull=True).last()
    return issue_document(paper.kind, paper.office, paper.letter, by, now, About(paper.subject, paper.party, before))
