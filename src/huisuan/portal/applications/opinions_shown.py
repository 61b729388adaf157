"""The opinions of offices on a case that is decided one by one, as the page of the application shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from huisuan.parties.models import Person, Role
from huisuan.programmes.amounts.case_by_case import offices_to_hear
from huisuan.programmes.models import Application, OfficeOpinion
from huisuan.programmes.review_desk.opinions import offices_to_speak_for
from huisuan.programmes.workflow.permission import is_applicant


@dataclass(frozen=True)
class OpinionsShown:
    """Each office that is to be heard with what it said, if it has; `mine`: those the reader may speak for now."""

    rows: tuple[tuple[str, OfficeOpinion | None], ...]
    mine: tuple[str, ...]


def read_opinions(application: Application, person: Person, now: datetime) -> OpinionsShown | None:
    """None where nobody is heard, and for who applies."""
    if person.role == Role.USER or is_applicant(person, application):
        return None
    offices = offices_to_hear(application)
    if not offices:
        return None
    said = OfficeOpinion.objects.filter(application=application).select_related("office", "by")
    given = {one.office.name: one for one in said}
    mine = offices_to_speak_for(application, person, now)
    return OpinionsShown(tuple((office, given.get(office)) for office in offices), tuple(mine))
