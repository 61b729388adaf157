"""The audit of a project at its end: what it really cost, and what is owed for that beside what was paid.

A share of a cost is granted on the budget. Where the law is read by the actual cost, what was paid above it is owed
back: the project is not closed before that was claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.money import yuan
from huisuan.law.model import LawError
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.models import Application, ApplicationSubmission, FinalEvaluation
from huisuan.programmes.submissions.content import submitted_values
from huisuan.programmes.submissions.owed import answer_of

_LARGEST = 10**15


def asks_for_audit(application: Application) -> bool:
    """Whether its procedure wants the audited cost before it is closed."""
    return "audited" in declared_contract(application.edition)


def budget_to_audit(application: Application, final_cost_fen: int | None) -> int | None:
    """The budget that an audited cost is compared with, in fen; None where no audit is asked for.

    Raises:
        InvalidRequest: no cost where one is asked for, one where none is, or an amount that is none.
    """
    number = application.number
    if not asks_for_audit(application):
        if final_cost_fen is not None:
            raise InvalidRequest(f"{number}：此程序不问结题审计的费用", code="contract.audit_not_asked")
        return None
    if final_cost_fen is None or not 0 <= final_cost_fen <= _LARGEST:
        raise InvalidRequest(
            f"{number}：评价须写明结题审计的实际研发费用（--final-cost-fen，分）", code="contract.audit_missing"
        )
    made, fact = _last_submission(application), declared_contract(application.edition)["audited"]["budget"]
    budget = None if made is None else submitted_values(made)[2].get(fact)
    if not isinstance(budget, int):
        raise InvalidRequest(f"{number}：申报时没有写预算，无从比较", code="contract.budget_unknown")
    return budget


def owed_as_audited(applications: Sequence[Application]) -> dict[int, int]:
    """By application what is owed by the audited cost, in fen: never more than the award; only of those audited."""
    rows = FinalEvaluation.objects.filter(application__in=applications, final_cost_fen__isnull=False)
    audited = set(rows.values_list("application_id", flat=True))
    asked = [one for one in applications if one.pk in audited]
    awards, found = standing_awards(asked), {}
    for one in asked:
        made = _last_submission(one)
        try:
            fen = answer_of(made).amount_fen if made is not None else None
        except LawError:
            fen = None
        if fen is not None and one.pk in awards:
            found[one.pk] = min(fen, awards[one.pk].amount_fen)
    return found


def paid_above_audited(applications: Sequence[Application]) -> dict[int, Refused]:
    """What was paid above the audited cost has to be claimed back before the project is closed."""
    owed, committed = owed_as_audited(applications), commitments_of(applications)
    refused: dict[int, Refused] = {}
    for one in applications:
        kept = paid_so_far(committed.get(one.pk, [])).kept_fen
        if one.pk in owed and kept > owed[one.pk]:
            refused[one.pk] = Conflict(
                f"{one.number}：按结题审计应得 {yuan(owed[one.pk])} 元，已付 {yuan(kept)} 元；"
                "多付的先追回（recover），再办结",
                code="contract.paid_above_audited",
            )
    return refused


def _last_submission(application: Application) -> ApplicationSubmission | None:
    rows = ApplicationSubmission.objects.filter(application=application).select_related("application__edition")
    return rows.order_by("-version").first()


def read_audit(application: Application) -> dict[str, int | None]:
    """What the audit says, in fen, as JSON carries it; None where there was none."""
    audit = FinalEvaluation.objects.filter(application=application).first()
    return {
        "final_cost_fen": audit.final_cost_fen if audit else None, "budget_fen": audit.budget_fen if audit else None,
    }  # fmt: skip
