"""The draw of a call: panels for all of its applications under review that have none yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.forms import parse_cell
from huisuan.law.policy import load_policy
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Call, Draw, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.review.draw import DrawTerms
from huisuan.programmes.review.panels import repeat_draw, store_draw
from huisuan.programmes.review.plan import ReviewPlan, plan_of_call


@transaction.atomic
def draw_call(number: str, seed: str, person: Person, now: datetime) -> Draw:
    """Draw a panel for every application of a call that is under review and has none; kept with all its inputs.

    Raises:
        NotFound: no such call.
        NotAllowed: no post to review in the office of the procedure.
        InvalidRequest: no seed, or the procedure has no review by experts.
        Conflict: nothing of the call is waiting for a panel.
        TooFewExperts: which applications lack how many, and which rule took how many; nothing is drawn.
    """
    call = (
        Call.objects.select_for_update(of=("self",), no_key=True)
        .select_related("edition")
        .filter(number=number)
        .first()
    )
    if call is None:
        raise NotFound(f"没有申报通知 {number}", code="call.unknown")
    plan = plan_of_call(call)
    if not may_draw(call, person, now):
        offices = sorted({edge.office for edge in _review_edges(call)})
        raise NotAllowed(f"{number}：抽签由{'、'.join(offices)}当天在任的评审岗位办理", code="review.no_post_in_force")
    waiting = waiting_for_panels(call).select_related("party").prefetch_related("submissions").order_by("pk")
    wanted = {one: _field(call, plan, one) for one in waiting if one.party is not None}
    if not wanted:
        raise Conflict(f"{number}：没有等待抽签的申报（须在评审中，且还没有评审组）", code="review.nothing_to_draw")
    before = draws_of(call).count()
    terms = DrawTerms(seed, plan.panel, plan.most_reviews, plan.alternates)
    return store_draw(
        f"{call.number} 第 {before + 1} 次", wanted, terms, tie_years=plan.tie_years, by=person.username, now=now
    )


def may_draw(call: Call, person: Person, now: datetime) -> bool:
    """Whether a person holds a post today under which the panels of a call are drawn."""
    offices = {edge.office for edge in _review_edges(call)}
    posts = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=Duty.REVIEW, office__name__in=offices)
    return not person.machine and person.is_active and posts.exists()


def waiting_for_panels(call: Call) -> QuerySet[Application]:
    """The applications of a call that are under review and have no panel yet."""
    states = {edge.from_state for edge in _review_edges(call)}
    return Application.objects.filter(call=call, state__in=states, seats__isnull=True)


def draws_of(call: Call) -> QuerySet[Draw]:
    """The draws of a call, the first one first."""
    return Draw.objects.filter(seats__application__call=call).distinct().order_by("pk")


def _review_edges(call: Call) -> list[ProcedureEdge]:
    return list(ProcedureEdge.objects.filter(edition=call.edition_id, action="review"))


def describe_draw(made: Draw) -> dict[str, Any]:
    """A draw as JSON carries it: seed, digest of its inputs, whether they come to the same seats, and the panels."""
    panels: dict[str, dict[str, Any]] = {}
    for seat in made.seats.select_related("application", "expert__person").order_by("application__number", "position"):
        panel = panels.setdefault(
            seat.application.number, {"application": seat.application.number, "members": [], "alternates": []}
        )
        panel["alternates" if seat.alternate else "members"].append(seat.expert.person.username)
    return {
        "title": made.title, "seed": made.seed, "digest": made.digest, "by": made.by,
        "at": made.at.astimezone(SHANGHAI).isoformat(), "reproduced": repeat_draw(made),
        "panels": list(panels.values()),
    }  # fmt: skip


def _field(call: Call, plan: ReviewPlan, application: Application) -> str:
    """What the experts of an application must know: the words of the fact that the programme names."""
    made = application.submissions.last()
    if not plan.field or made is None:
        return ""
    rule = load_policy(call.edition.policy).rule(call.edition.rule_key)
    spec = next(fact for fact in rule.facts if fact.name == plan.field)
    chosen = parse_cell(spec, made.facts.get(plan.field, ""), by_people=True)
    words = (spec.options or {}).get(str(chosen), "")
    if not words:
        raise InvalidRequest(
            f"{application.number}：没有写明“{spec.zh}”，不知需要哪方面的专家", code="review.field_missing"
        )
    return words
