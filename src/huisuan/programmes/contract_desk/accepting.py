"""Looking at what was done: two persons on site, the acceptance of a milestone, the evaluation at the end."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import DUTY_WORDS, Duty, State
from huisuan.parties.models import Person, Role
from huisuan.programmes.contract_desk.desk import (
    contract_of,
    lock_milestones,
    milestone_of,
    said_text,
    signing_duty,
    take_up,
)
from huisuan.programmes.contract_desk.panel import check_reported_again, has_panel, panel_says, tied_voters
from huisuan.programmes.contract_desk.reporting import reached_by_target
from huisuan.programmes.contracts.audited import budget_to_audit
from huisuan.programmes.contracts.figures import contract_figures
from huisuan.programmes.contracts.race import refuse_who_falls_out
from huisuan.programmes.models import (
    AcceptanceVote,
    Application,
    DutyHeld,
    FinalEvaluation,
    Milestone,
    MilestoneResult,
    SiteCheck,
)
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow.permission import acting_for
from huisuan.programmes.workflow.ties import find_ties

_HUNDRED, _LONGEST_FINDING = 100, 4000
_ACCEPTING = (State.CONTRACTED.value, State.COMMITTED.value, State.PAYING.value)


@transaction.atomic
def record_site_check(
    number: str, milestone: int, day: date, pair: tuple[str, str], text: str, person: Person, now: datetime, *,
    holds: bool,
) -> SiteCheck:  # fmt: skip
    """What two persons found on site; one of them enters it.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application; one of the two belongs or is tied to
            the applicant, on that day or now, holds no post in an office of the procedure, or has another duty here.
        InvalidRequest: one person twice, neither enters it, a day to come or before the contract, nothing said.
        Conflict: no such milestone.
    """
    application = take_up(number, person, now)
    found, today = milestone_of(application, milestone), now.astimezone(SHANGHAI).date()
    first, second = (find_person(name) for name in pair)
    if first == second:
        raise InvalidRequest(f"{number}：现场核查须由两个人办，写的都是{first.name}", code="contract.one_person_twice")
    for each in (first, second):
        if why := _why_not_on_site(each, application, {day, today}, now):
            raise NotAllowed(f"{number}：{why}，不能现场核查", code="contract.tied_on_site")
    if person not in (first, second):
        raise InvalidRequest(f"{number}：现场核查由到场的两人之一登记", code="contract.entered_by_another")
    if day > today:
        raise InvalidRequest(f"{number}：现场核查的日期 {day} 还没有到", code="contract.day_to_come")
    contract = found.contract
    if day < (begins := min(contract.signed_on, contract.at.astimezone(SHANGHAI).date())):
        raise InvalidRequest(
            f"{number}：现场核查的日期 {day} 早于合同的 {begins}", code="contract.day_before_the_contract"
        )
    for each in (first, second):
        DutyHeld.objects.get_or_create(
            application=application, person=each, defaults={"duty": signing_duty(application)}
        )  # fmt: skip
    return SiteCheck.objects.create(
        milestone=found, day=day, first=first, second=second, text=said_text(text, "核查情况", _LONGEST_FINDING),
        holds=holds, by=person, at=now,
    )  # fmt: skip


def _why_not_on_site(person: Person, application: Application, days: set[date], now: datetime) -> str:
    """Why a person does not check on site; empty: may."""
    ties = (find_ties(person, [application], day).get(application.pk) for day in sorted(days))
    if tie := next(filter(None, ties), ""):
        return tie
    if person.role == Role.USER or person.machine:
        return f"{person.name}是申报单位一方的账号"
    named = application.edition.edges.exclude(office="").values_list("office", flat=True).distinct()
    offices = {office for name in named for office in acting_for(application, name)}
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(office__name__in=offices)
    if not person.is_active or not posts.exists():
        return f"{person.name}在本程序的办理单位没有当天在任的岗位"
    held = DutyHeld.objects.filter(application=application, person=person).exclude(duty=signing_duty(application))
    first = held.first()
    return f"{person.name}在此件中已承担{DUTY_WORDS[Duty(first.duty)][0]}" if first else ""


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
            for row in milestone.site_checks.select_related("first", "second")
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
