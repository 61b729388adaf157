"""Issuing a document of what is on record, by somebody of the office that signs it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.documents.issuing import About, issue_document
from huisuan.documents.models import Document
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.notices.queries import get_notice
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.papers.letters import Paper, correction_paper, decision_paper, notice_paper
from huisuan.programmes.workflow.queries import get_application

#: kind -> the paper of a number, as far as its asker may see it
_PAPERS: dict[str, Callable[[str, Person], Paper]] = {
    "publicity": lambda number, _by: notice_paper(get_notice(number)),
    "correction": lambda number, by: correction_paper(get_application(Viewer.for_person(by), number)),
    "decision": lambda number, by: decision_paper(get_application(Viewer.for_person(by), number)),
}


def issue_from_record(kind: str, number: str, by: Person, now: datetime) -> Document:
    """Issue what a notice or an application says; issued again, the new one replaces the one before.

    Raises:
        InvalidRequest: no such kind.
        NotFound: no such notice or application, as far as the person may know.
        Conflict: the record does not say it.
        NotAllowed: nobody with a post in the office that signs.
    """
    if kind not in _PAPERS:
        raise InvalidRequest(f"没有公文种类 {kind}：可用 {'、'.join(_PAPERS)}", code="paper.kind_unknown")
    paper = _PAPERS[kind](number, by)
    if not posts_in_force(by, now.astimezone(SHANGHAI).date()).filter(office__name=paper.office).exists():
        raise NotAllowed(f"{paper.office}的公文由它当天在任的岗位签发", code="paper.no_post_in_force")
    before = Document.objects.filter(kind=paper.kind, subject=paper.subject, replaced_by__isnull=True).last()
    return issue_document(paper.kind, paper.office, paper.letter, by, now, About(paper.subject, paper.party, before))
