"""Looking at what was done: the acceptance of a milestone, the evaluation at the end."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.desk import contract_of, lock_milestones, milestone_of, said_text, take_up
from huisuan.programmes.contract_desk.panel import check_reported_again, has_panel, panel_says, tied_voters
from huisuan.programmes.contract_desk.reporting import reached_by_target
from huisuan.programmes.contract_desk.site_checks import confirmed_checks
from huisuan.programmes.contracts.audited import budget_to_audit
from huisuan.programmes.contracts.figures import contract_figures
from huisuan.programmes.contracts.race import refuse_who_falls_out
from huisuan.programmes.models import (
    AcceptanceVote,
    Application,
    FinalEvaluation,
    Milestone,
    MilestoneResult,
)

_HUNDRED = 100
_ACCEPTING = (State.CONTRACTED.value, State.COMMITTED.value, State.PAYING.value)


@transaction.atomic
def decide_milestone(
    number: str, milestone: int, reason: str, person: Person, now: datetime, *,
    accepted: bool | None = None, score: int | None = None,
) -> MilestoneResult:  # fmt: skip
    """Accept a milestone or not: as the office says with a score, or as the panel has voted where one is declared.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application.
        InvalidRequest: no reason, no score; or a word of one's own where the panel decides.
        Conflict: not reported, those before it are not accepted, accepted already, the panel has not voted or one who
            voted is tied since; in a race it has fallen out.
    """
    application = take_up(number, person, now)
    lock_milestones(contract_of(application))
    found = milestone_of(application, milestone)
    _check_ready(application, found)
    if has_panel(application):
        accepted, mean = _by_panel(application, found, accepted, score, now)
        marks = int(mean * _HUNDRED)
    else:
        if accepted is None or score is None or not 0 <= score <= _HUNDRED:
            raise InvalidRequest(f"{number}：须写明是否通过和 0 至 100 的评分", code="contract.score_malformed")
        marks = score * _HUNDRED
    if accepted:
        refuse_who_falls_out(application, found, now)
    return MilestoneResult.objects.create(
        milestone=found, number=found.results.count() + 1, accepted=accepted, score=marks,
        reason=said_text(reason, "验收意见"), basis=_basis(found), by=person, at=now,
    )  # fmt: skip


def _check_ready(application: Application, milestone: Milestone) -> None:
    number, at = application.number, milestone.number
    if application.state not in _ACCEPTING:
        raise Conflict(f"{number}：现在不验收，须已签合同、未办结", code="contract.not_accepting")
    if milestone.results.filter(accepted=True).exists():
        raise Conflict(f"{number}：第 {at} 个节点已验收", code="contract.accepted_already")
    if not milestone.reports.exists():
        raise Conflict(f"{number}：第 {at} 个节点，承担单位还没有报告", code="contract.not_reported")
    before = Milestone.objects.filter(contract=milestone.contract_id, number__lt=milestone.number)
    if before.exclude(results__accepted=True).exists():
        raise Conflict(f"{number}：第 {at} 个节点之前的还没有验收", code="contract.earlier_not_accepted")


def _by_panel(
    application: Application, milestone: Milestone, accepted: bool | None, score: int | None, now: datetime
) -> tuple[bool, Fraction]:
    if accepted is not None or score is not None:
        raise InvalidRequest(f"{application.number}：由专家组投票决定，不另写结论和评分", code="contract.panel_decides")
    check_reported_again(application.number, milestone)
    if tied := tied_voters(application, milestone, now):
        raise Conflict(
            f"{application.number}：投过票的 {'、'.join(tied)} 现与承担单位有利害关系，请先由候补递补，再验收",
            code="contract.voter_tied",
        )
    said = panel_says(milestone)
    if said is None:
        raise Conflict(f"{application.number}：专家组还没有全部投票", code="contract.panel_has_not_voted")
    return said


def _basis(milestone: Milestone) -> dict[str, Any]:
    return {
        "targets": reached_by_target(milestone),
        "reports": [{"number": row.number, "late": row.late} for row in milestone.reports.all()],
        "site_checks": [
            {"day": row.day.isoformat(), "holds": row.holds, "by": [row.first.username, row.second.username]}
            for row in confirmed_checks(milestone)
        ],
        "votes": [
            {
                "expert": vote.by.username, "accepts": vote.accepts, "score": vote.score,
                "counts": vote.round == milestone.results.count() + 1 and not hasattr(vote, "set_aside"),
            }
            for vote in AcceptanceVote.objects.filter(seat__milestone=milestone, left=False).select_related(
                "by", "set_aside"
            )
        ],
    }  # fmt: skip


@transaction.atomic
def evaluate_project(
    number: str, score: int, reason: str, person: Person, now: datetime, *, final_cost_fen: int | None = None
) -> FinalEvaluation:
    """Evaluate a project at its end; the next claim of its party sees it.

    `final_cost_fen` is what it really cost as audited, asked for where the procedure declares the audit.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application.
        InvalidRequest: no score from 0 to 100, no reason; no cost where it is asked for, or one where it is not.
        Conflict: it is not paid out yet, or was evaluated.
    """
    application = take_up(number, person, now)
    if application.state != State.MONITORED or FinalEvaluation.objects.filter(application=application).exists():
        raise Conflict(f"{number}：跟踪中的评价一次；现在不能评价，或已评价", code="contract.not_evaluated_now")
    if not 0 <= score <= _HUNDRED:
        raise InvalidRequest(f"{number}：须写明 0 至 100 的评分", code="contract.score_malformed")
    budget_fen = budget_to_audit(application, final_cost_fen)
    mark = contract_figures(application.edition, now)["mark"]
    return FinalEvaluation.objects.create(
        application=application, score=score * _HUNDRED, mark=mark, reason=said_text(reason, "评价意见"),
        final_cost_fen=final_cost_fen, budget_fen=budget_fen, by=person, at=now,
    )  # fmt: skip
