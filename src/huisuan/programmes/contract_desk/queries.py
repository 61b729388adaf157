"""Reading a contract: what was agreed, reported, checked, accepted; and what earlier projects of a party came to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person, Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.contract_desk.amending import describe_amendments, plain_figure
from huisuan.programmes.contract_desk.panel import vote_in
from huisuan.programmes.contract_desk.reporting import describe_due, reached_by_target
from huisuan.programmes.contracts.race import runners_of
from huisuan.programmes.models import (
    AcceptanceSeat,
    AcceptanceVote,
    Application,
    Contract,
    FinalEvaluation,
    Milestone,
    MilestoneReport,
    MilestoneResult,
    SiteCheck,
)
from huisuan.programmes.people import find_person
from huisuan.programmes.review.called_seats import called_seats
from huisuan.programmes.workflow.permission import Permissions
from huisuan.programmes.workflow.queries import get_application, visible_applications


def describe_contract(viewer: Viewer, number: str, now: datetime) -> dict[str, Any]:
    """A contract as JSON carries it: plan, amendments, milestones and what became of them, runners, evaluation.

    Other runners are shown to officials, those that they may see; who sits in a panel to whoever accepts, and to audit.

    Raises:
        NotFound: no application of that number, as far as the viewer may know.
    """
    application = get_application(viewer, number)
    accepts = accepts_milestones(find_person(viewer.name), application, now)
    return contract_to_dict(application, viewer, now, accepts=accepts)


def accepts_milestones(person: Person, application: Application, now: datetime) -> bool:
    """Whether a person holds the post that signs the contract and accepts its milestones, and is not tied to it."""
    return Permissions.load(person, "contract", "", [application], now).ask_duty(application) is None


def contract_to_dict(application: Application, viewer: Viewer, now: datetime, *, accepts: bool) -> dict[str, Any]:
    """The same of an application that the viewer may see; `accepts`: whether it accepts milestones."""
    seats = accepts or viewer.role == Role.AUDITOR
    contract = Contract.objects.filter(application=application).select_related("by", "award").first()
    evaluation = FinalEvaluation.objects.filter(application=application).select_related("by").first()
    return {
        "number": application.number,
        "plan": [
            {
                "code": row.code, "name": row.name, "unit": row.unit, "figure": plain_figure(row.figure),
                "less_is_better": row.less_is_better,
            }
            for row in application.planned_targets.all()
        ],
        "contract": None if contract is None else {
            "code": contract.code, "signed_on": contract.signed_on.isoformat(), "task": contract.task,
            "by": contract.by.username, "at": _shown(contract.at),
        },
        "amendments": describe_amendments(contract) if contract else [],
        "milestones": _milestones(contract, now, seats=seats) if contract else [],
        "runners": _runners(application, viewer),
        "evaluation": None if evaluation is None else {
            "score": evaluation.score, "mark": evaluation.mark, "reason": evaluation.reason,
            "final_cost_fen": evaluation.final_cost_fen, "budget_fen": evaluation.budget_fen,
            "at": _shown(evaluation.at),
        },
    }  # fmt: skip


def acceptance_seats(viewer: Viewer) -> QuerySet[AcceptanceSeat]:
    """The seats in which an expert sits now in panels that accept milestones, the newest first.

    `done`: accepted; `voted`: in the round that is open; `refused`: nothing was reported since the panel refused it.
    """
    results = MilestoneResult.objects.filter(milestone=OuterRef("milestone"))
    ended = Subquery(results.order_by("-number").values("number")[:1])
    rows = called_seats().filter(expert__person__username=viewer.name)
    rows = rows.annotate(
        done=Exists(results.filter(accepted=True)), ended=Coalesce(ended, 0),
        last_result=Subquery(results.order_by("-number").values("at")[:1]),
    )  # fmt: skip
    now = AcceptanceVote.objects.filter(seat=OuterRef("pk"), round__gt=OuterRef("ended"))
    since = MilestoneReport.objects.filter(milestone=OuterRef("milestone"), at__gt=OuterRef("last_result"))
    rows = rows.annotate(voted=Exists(now), refused=Q(ended__gt=0) & ~Exists(since))
    named = "milestone__contract__application__"
    rows = rows.select_related(f"{named}edition", f"{named}party", f"{named}call", "expert__person")
    return rows.order_by("-id")


def describe_seat(seat: AcceptanceSeat, now: datetime) -> dict[str, Any]:
    """The milestone that an expert looks at, as JSON carries it, without what others of the panel said."""
    return _milestone(seat.milestone, describe_due([seat.milestone], now)[0].to_dict(), shows_seats=False)


def _runners(application: Application, viewer: Viewer) -> list[dict[str, Any]]:
    if viewer.role == Role.USER:
        return []
    found = runners_of(application)
    pks = [runner.application.pk for runner in found]
    seen = set(visible_applications(viewer).filter(pk__in=pks).values_list("pk", flat=True))
    return [runner.to_dict() for runner in found if runner.application.pk in seen]


def _milestones(contract: Contract, now: datetime, *, seats: bool) -> list[dict[str, Any]]:
    rows = list(contract.milestones.select_related("contract__application__edition").prefetch_related("reports"))
    due = {each.milestone.pk: each for each in describe_due(rows, now)}
    return [_milestone(row, due[row.pk].to_dict(), shows_seats=seats) for row in rows]


def _milestone(row: Milestone, due: dict[str, Any], *, shows_seats: bool) -> dict[str, Any]:
    accepted = row.results.filter(accepted=True).exists()
    seats = row.seats.select_related("expert__person").prefetch_related("votes__set_aside") if shows_seats else []
    shown_round = row.results.count() + (not accepted)  # the one that is open, or that accepted it
    return {
        "milestone": row.number, "title": row.title, "due_on": due["due_on"], "amount_fen": row.amount_fen,
        "report_until": due["report_until"], "overdue": due["overdue"] and not accepted, "accepted": accepted,
        "targets": reached_by_target(row),
        "reports": [
            {"number": one.number, "text": one.text, "late": one.late, "at": _shown(one.at), "by": one.by.username}
            for one in row.reports.all()
        ],
        "site_checks": [
            {
                "day": one.day.isoformat(), "first": one.first.name, "second": one.second.name, "text": one.text,
                "holds": one.holds, "id": one.pk, **_confirmation(one),
            }
            for one in row.site_checks.select_related("first", "second", "by", "confirmation__by")
        ],
        "results": [
            {"accepted": one.accepted, "score": one.score, "reason": one.reason, "at": _shown(one.at)}
            for one in row.results.all()
        ],
        "panel": [_seat(seat, shown_round) for seat in seats],
    }  # fmt: skip


def _confirmation(check: SiteCheck) -> dict[str, Any]:
    """Whether the other of the two has confirmed it; `otherwise` is what that person found instead."""
    said = getattr(check, "confirmation", None)
    waits_for = check.second if check.by_id == check.first_id else check.first
    return {
        "entered_by": check.by.username, "confirmed": said is not None and said.agrees,
        "otherwise": said.text if said is not None and not said.agrees else "",
        "waits_for": waits_for.username if said is None else "",
    }  # fmt: skip


def _seat(seat: AcceptanceSeat, shown_round: int) -> dict[str, Any]:
    votes, aside = list(seat.votes.all()), [vote for vote in seat.votes.all() if hasattr(vote, "set_aside")]
    return {
        "position": seat.position, "expert": seat.expert.person.username,
        "voted": bool(aside) or vote_in(seat, shown_round) is not None, "left": any(vote.left for vote in votes),
        "set_aside": aside[0].set_aside.reason if aside else None,
        "votes": [
            {"round": vote.round, "accepts": vote.accepts, "score": vote.score, "reason": vote.reason}
            for vote in votes if not vote.left
        ],
    }  # fmt: skip


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()
