"""The panel that accepts a milestone where the procedure declares one: drawn as for a review, asked again at each vote.

An expert who became a tie since the draw does not vote: the seat is left, and the next alternate sits. Where the vote
was given before, it is set aside: it stays on record, and that of the alternate counts. Once the panel has refused, who
sits there votes again on what is reported after: each result ends a round. Where no alternate is left more are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import DUTY_WORDS, Duty
from huisuan.parties.models import Person, Role
from huisuan.programmes.contract_desk.desk import contract_of, lock_milestones, milestone_of, said_text, take_up
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.models import (
    AcceptanceSeat,
    AcceptanceVote,
    Application,
    DutyHeld,
    Milestone,
    VoteSetAside,
)
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import (
    EXCLUSION_NAMES,
    DrawnExpert,
    Exclusion,
    ReviewedApplication,
    find_exclusion,
)
from huisuan.programmes.review.panels import reviews_of_year
from huisuan.programmes.review.plan import ReviewPlan, plan_of
from huisuan.programmes.submissions.content import submitted_values
from huisuan.programmes.workflow.permission import unknown_application

_NO_LIMIT = 10**6  # of reviews: a load keeps nobody from a seat already taken
_LARGEST_SCORE = 100


def has_panel(application: Application) -> bool:
    """Whether drawn experts accept its milestones."""
    return "panel" in declared_contract(application.edition).get("figures", {})


def has_alternates(seats: Sequence[AcceptanceSeat], now: datetime) -> bool:
    """Whether behind those who sit somebody of a panel (in order) waits to be called who is not barred by now."""
    waiting = _waiting_behind(seats)
    return any(not why_barred(each, now) for each in waiting)


def _waiting_behind(seats: Sequence[AcceptanceSeat]) -> list[AcceptanceSeat]:
    """The alternates of a panel (in order) that were not called yet."""
    return [each for each in seats if not _is_left(each)][seats[0].panel :] if seats else []


@transaction.atomic
def vote_on_milestone(
    number: str, milestone: int, accepts: bool, score: int, reason: str, person: Person, now: datetime
) -> AcceptanceVote:
    """What an expert of the panel says, once in a round.

    Raises:
        NotFound: the person does not sit in the panel now.
        NotAllowed: tied to the applicant by what is known now, or with another duty in the application.
        InvalidRequest: a score that is none, or no reason.
        Conflict: voted already, the milestone is accepted, or nothing was reported that could be judged.
    """
    application, found, seat = _own_seat(number, milestone, person)
    if not found.reports.exists():
        raise Conflict(f"{number}：第 {milestone} 个节点，承担单位还没有报告", code="contract.not_reported")
    check_reported_again(number, found)
    open_round = round_of(found)
    if found.results.filter(accepted=True).exists() or seat.votes.filter(round=open_round).exists():
        raise Conflict(f"{number}：第 {milestone} 个节点已验收，或您已投票", code="contract.voted")
    if tie := _bar(application, person, now):
        raise NotAllowed(f"{number}：{tie}，须回避", code="contract.expert_tied")
    if not 0 <= score <= _LARGEST_SCORE:
        raise InvalidRequest(f"评分须在 0 至 {_LARGEST_SCORE} 之间", code="contract.score_malformed")
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": Duty.REVIEW.value})
    return AcceptanceVote.objects.create(
        seat=seat, round=open_round, accepts=accepts, score=score, reason=said_text(reason, "意见"), by=person, at=now
    )  # fmt: skip


def check_reported_again(number: str, milestone: Milestone) -> None:
    """Refuse to judge again what was refused, as long as nothing was reported since.

    Raises:
        Conflict: the panel has refused it, and no report came after.
    """
    last = milestone.results.last()
    if last is not None and not last.accepted and not milestone.reports.filter(at__gt=last.at).exists():
        raise Conflict(
            f"{number}：专家组已就第 {milestone.number} 个节点投票，未通过；承担单位再报告之后重新投票",
            code="contract.panel_refused",
        )


def _own_seat(number: str, milestone: int, person: Person) -> tuple[Application, Milestone, AcceptanceSeat]:
    """The seat in which an expert sits now, its milestone locked."""
    application = Application.objects.filter(number=number).select_related("edition", "party", "call").first()
    if application is None:
        raise unknown_application(number)
    found = Milestone.objects.select_for_update(no_key=True).filter(
        contract__application=application, number=milestone
    ).first()  # fmt: skip
    seat = next((one for one in sitting_now(found) if one.expert.person_id == person.pk), None) if found else None
    if found is None or seat is None or person.machine or not person.is_active:
        raise NotFound(f"{number}：您不在第 {milestone} 个节点的验收专家组", code="contract.not_in_panel")
    return application, found, seat


@transaction.atomic
def leave_acceptance_seat(
    number: str, milestone: int, username: str, reason: str, person: Person, now: datetime
) -> AcceptanceSeat:
    """An expert of the panel leaves and the next alternate sits; a vote given before is set aside where a tie bars it.

    By the office that signs contracts, or by the expert in person.

    Raises:
        NotFound, NotAllowed: neither a person who signs contracts of this application nor the expert.
        InvalidRequest: no reason.
        Conflict: the expert does not sit there, has voted and is not tied, or no alternate is left; it is accepted.
    """
    seat: AcceptanceSeat | None
    if person.role == Role.EXPERT and person.username == username:
        application, found, seat = _own_seat(number, milestone, person)
    else:
        application = take_up(number, person, now)
        lock_milestones(contract_of(application))
        found = milestone_of(application, milestone)
        seat = next((one for one in sitting_now(found) if one.expert.person.username == username), None)
    vote = None if seat is None else vote_in(seat, round_of(found))
    if seat is None or (vote is not None and not _bar(application, seat.expert.person, now)):
        raise Conflict(
            f"{number}：{username} 不在第 {milestone} 个节点的专家组，或已投票且没有利害关系", code="contract.seat_left"
        )
    if found.results.filter(accepted=True).exists():
        raise Conflict(f"{number}：第 {milestone} 个节点已验收", code="contract.accepted_already")
    seats = list(found.seats.select_related("expert__person").prefetch_related("votes__set_aside").order_by("position"))
    if not has_alternates(seats, now):
        raise Conflict(
            f"{number}：没有可递补的候补专家；请先补抽（huisuan contract draw）", code="contract.no_alternate_left"
        )
    why = said_text(reason, "回避理由")
    _pass_over_barred(found, seats, person, now)
    if vote is None:
        AcceptanceVote.objects.create(seat=seat, round=round_of(found), left=True, reason=why, by=person, at=now)
    else:
        VoteSetAside.objects.create(vote=vote, reason=why, by=person, at=now)
    return seat


def _pass_over_barred(milestone: Milestone, seats: Sequence[AcceptanceSeat], person: Person, now: datetime) -> None:
    """The alternates before the first who may sit, barred since they were drawn, leave with what bars them."""
    for each in _waiting_behind(seats):
        bar = why_barred(each, now)
        if not bar:
            return
        AcceptanceVote.objects.create(
            seat=each, round=round_of(milestone), left=True, reason=bar, by=person, at=now
        )  # fmt: skip


def sitting_now(milestone: Milestone) -> list[AcceptanceSeat]:
    """Who sits in the panel: the first seats that nobody left."""
    rows = milestone.seats.select_related("expert__person").prefetch_related("votes__set_aside")
    seats = list(rows.order_by("position"))
    return [seat for seat in seats if not _is_left(seat)][: seats[0].panel if seats else 0]


def round_of(milestone: Milestone) -> int:
    """The round in which its panel votes now: one more than the results there are."""
    return milestone.results.count() + 1


def vote_in(seat: AcceptanceSeat, number: int) -> AcceptanceVote | None:
    """The vote from a seat in a round; None: none was given."""
    return next((vote for vote in seat.votes.all() if vote.round == number and not vote.left), None)


def panel_says(milestone: Milestone) -> tuple[bool, Fraction] | None:
    """Whether most accept it, and the mean of the scores; None: not everybody who sits has voted in this round."""
    open_round = round_of(milestone)
    votes = [vote_in(seat, open_round) for seat in sitting_now(milestone)]
    given = [vote for vote in votes if vote is not None and vote.score is not None]
    if not votes or len(given) < len(votes):
        return None
    return sum(bool(vote.accepts) for vote in given) * 2 > len(given), Fraction(
        sum(vote.score or 0 for vote in given), len(given)
    )


def tied_voters(application: Application, milestone: Milestone, now: datetime) -> list[str]:
    """Who has voted in this round and is tied to the applicant by what is known now."""
    open_round = round_of(milestone)
    voted = [seat.expert.person for seat in sitting_now(milestone) if vote_in(seat, open_round)]
    return [each.username for each in voted if _bar(application, each, now)]


def why_barred(seat: AcceptanceSeat, now: datetime) -> str:
    """Why who sits there may not vote by what is known now; empty: nothing bars it."""
    return _bar(seat.milestone.contract.application, seat.expert.person, now)


def _is_left(seat: AcceptanceSeat) -> bool:
    return any(vote.left or hasattr(vote, "set_aside") for vote in seat.votes.all())


def _bar(application: Application, person: Person, now: datetime) -> str:
    """Why an expert may not judge this application now; empty: nothing bars it."""
    held = DutyHeld.objects.filter(application=application, person=person).exclude(duty=Duty.REVIEW.value).first()
    if held is not None:
        return f"在此件中已承担{DUTY_WORDS[Duty(held.duty)][0]}"
    row, people = drawn_from(application, plan_of(application), now, [person.username])
    found = find_exclusion(row, people[0], _NO_LIMIT) if people else Exclusion.INACTIVE
    return EXCLUSION_NAMES[found] if found in (Exclusion.TIE, Exclusion.CONTROL, Exclusion.INACTIVE) else ""


def drawn_from(
    application: Application, plan: ReviewPlan, now: datetime, only: list[str] | None = None
) -> tuple[ReviewedApplication, list[DrawnExpert]]:
    """An application (of a party) and the pool, or those of these usernames, as a draw sees them now."""
    assert application.party is not None  # asked when the panel was drawn
    day = now.astimezone(SHANGHAI).date()
    sides = load_applicant_sides([application.party], day)
    side = sides[application.party.pk]
    people = load_drawn_experts(sides.values(), day, plan.tie_years, reviews_of_year(day.year), only)
    return ReviewedApplication(application.number, _field(application, plan), side.parties, side.city), people


def _field(application: Application, plan: ReviewPlan) -> str:
    """What an expert must know, in the words of the fact that says it; nothing: any field will do."""
    said = application.submissions.last()
    if not plan.field or said is None:
        return ""
    _, rule, values = submitted_values(said)
    spec = next(each for each in rule.facts if each.name == plan.field)
    return (spec.options or {}).get(str(values.get(plan.field)), "")
