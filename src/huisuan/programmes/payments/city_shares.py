"""What a city's application claims the province's share of, what the register of vouchers says, and what that gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from huisuan.base.errors import NotFound
from huisuan.law.model import Value
from huisuan.parties.models import Person
from huisuan.programmes.awards.shares import load_shares
from huisuan.programmes.models import Application
from huisuan.programmes.workflow.permission import is_applicant, unknown_application
from huisuan.settlement.runs.claim_facts import answer_claim


@dataclass(frozen=True)
class ShareShown:
    """The project, what its vouchers say of each fact, and what is owed now beside other applications, in fen."""

    project: str
    registered: Mapping[str, Value]
    owed_fen: int | None


def share_of(number: str, person: Person) -> ShareShown:
    """The share that an application of the person's own city claims, as the vouchers stand now.

    Raises:
        NotFound: no such application, as far as the person may know, or it claims no share.
        InvalidRequest: the rule cannot be asked any more.
    """
    application = Application.objects.filter(number=number).select_related("edition").first()
    if application is None or not is_applicant(person, application):
        raise unknown_application(number)
    basis = load_shares([application]).get(application.pk)
    if basis is None or application.city_id is None:
        raise NotFound(f"{number}：不是按市级拨付分担的申报，或还没有提交", code="award.no_share")
    share, edition = basis.share, application.edition
    answer = answer_claim(
        edition.policy, edition.key, application.city_id, share.project, application.year, share.declared, date.max
    )  # fmt: skip
    return ShareShown(share.project, answer.registered, basis.owed_fen)
