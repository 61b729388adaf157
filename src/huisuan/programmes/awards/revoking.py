"""Revoking a decision of which nothing was paid: the award is nothing from then on, and what was set aside is free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.documents.issuing import end_documents
from huisuan.documents.models import DocumentKind, EndReason
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.recovering import order_under_way, release_open
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.models import Application, ApplicationStep, Award
from huisuan.programmes.step_conditions import AskedStep

_LONGEST_REASON = 1000
#: letters that say what was granted: from the revocation on they hold no longer, before any letter says so
_TAKEN_BACK = (DocumentKind.DECISION, DocumentKind.FUNDS)


def is_unpaid(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Nothing of each is paid or at the bank; what was granted without money always may be revoked."""
    committed, refused = commitments_of(applications), dict[int, Refused]()
    for one in applications:
        so_far = paid_so_far(committed.get(one.pk, []))
        if so_far.ordered_fen:
            refused[one.pk] = order_under_way(one.number, so_far.ordered_fen)
        elif so_far.kept_fen:
            refused[one.pk] = Conflict(
                f"{one.number}：已付 {yuan(so_far.kept_fen)} 元，不能撤销；多付的走追回（huisuan award recover）",
                code="award.paid_already",
            )
    return refused


def revoke_awards(steps: Sequence[ApplicationStep]) -> None:
    """Each award is superseded by one of nothing, with the reason; its commitments are reversed in the ledger."""
    applications = [step.application for step in steps]
    for step in steps:
        end_documents([step.application.number], _TAKEN_BACK, EndReason.REVOKED, step.at)
    committed, awards = commitments_of(applications), standing_awards(applications)
    revoked = [(step, awards[step.application_id]) for step in steps if step.application_id in awards]
    Award.objects.bulk_create(
        Award(
            application=step.application, number=award.number + 1, key=f"{step.application.number}.{award.number + 1}",
            amount_fen=0, supersedes=award, reason=step.reason[:_LONGEST_REASON], by=step.person, granted_at=step.at,
        )
        for step, award in revoked
    )  # fmt: skip
    for step, award in revoked:
        act = treasury_act(step.person, step.at)
        release_open(committed.get(step.application_id, []), act, f"{award.key} {step.reason}")
