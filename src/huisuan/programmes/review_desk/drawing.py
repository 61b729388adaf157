"""The draw of a call: panels for all of its applications under review that have none yet; more where one runs out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.base.text_length import check_length
from huisuan.law.forms import parse_cell
from huisuan.law.policy import load_policy
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Call, Draw, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.review.draw_records import DrawRecord, PanelSize, repeat_draw, seed_from
from huisuan.programmes.review.panels import sitting_seats, store_draw, store_more_alternates, without_alternates
from huisuan.programmes.review.plan import ReviewPlan, plan_of_call
from huisuan.programmes.review.seed import check_committed
from huisuan.programmes.scoring.seats import require_under_review
from huisuan.programmes.submissions.seed_sources import require_closed, source_of_draw

_LONGEST_REASON = 500


@transaction.atomic
def draw_call(number: str, word: str, person: Person, now: datetime) -> Draw:
    """Draw a panel for every application of a call that is under review and has none; kept with all its inputs.

    The seed is made from the submissions that had come when the call closed, from the commitment on record and from
    the number of the draw. `word` is only checked against the commitment; without one it decides nothing.

    Raises:
        NotFound: no such call.
        NotAllowed: no post to review in the office of the procedure.
        InvalidRequest: the word is not the one that was committed to, or the procedure has no review by experts.
        Conflict: the call is not closed, or nothing of it is waiting for a panel.
        TooFewExperts: which applications lack how many, and which rule took how many; nothing is drawn.
    """
    call = drawing_call(number, person, now)
    plan, record = plan_of_call(call), _next_record(call, word, "", person, now)
    waiting = waiting_for_panels(call).select_related("party").prefetch_related("submissions").order_by("pk")
    wanted = {one: _field(call, plan, one) for one in waiting if one.party is not None}
    if not wanted:
        raise Conflict(f"{number}：没有等待抽签的申报（须在评审中，且还没有评审组）", code="review.nothing_to_draw")
    return store_draw(record, wanted, _size(plan), tie_years=plan.tie_years)


@transaction.atomic
def draw_again(number: str, application: str, word: str, reason: str, person: Person, now: datetime) -> Draw:
    """Draw more alternates for the panel of an application of a call that has none left: nobody who ever sat there.

    The seed is that of the next draw of its call: asked again, it comes to the same experts.

    Raises:
        NotFound: no such call, or no such application under it.
        NotAllowed: no post to review in the office of the procedure.
        InvalidRequest: no reason, or the word is not the one that was committed to.
        Conflict: it is not under review, has no panel yet, or an alternate who may still review.
        TooFewExperts: nobody is left; it says which rule took how many.
    """
    call = drawing_call(number, person, now)
    rows = Application.objects.filter(call=call, number=application, party__isnull=False)
    found = rows.select_related("party", "edition", "call__edition").first()
    if found is None:
        raise NotFound(f"{number} 下没有申报 {application}", code="application.unknown")
    require_under_review(found)
    said = check_length(reason.strip(), _LONGEST_REASON, "补抽的理由")
    if not said:
        raise InvalidRequest(f"{application}：补抽须写理由，留在记录上", code="review.redraw_without_reason")
    plan = plan_of_call(call)
    return store_more_alternates(
        _next_record(call, word, said, person, now), found, _field(call, plan, found), _size(plan),
        tie_years=plan.tie_years,
    )  # fmt: skip


def drawing_call(number: str, person: Person, now: datetime) -> Call:
    """A call whose panels a person draws now, locked.

    Raises:
        NotFound: no such call.
        NotAllowed: no post to review in the office of the procedure.
        InvalidRequest: the procedure has no review by experts.
    """
    call = (
        Call.objects.select_for_update(of=("self",), no_key=True)
        .select_related("edition")
        .filter(number=number)
        .first()
    )
    if call is None:
        raise NotFound(f"没有申报通知 {number}", code="call.unknown")
    plan_of_call(call)
    if not may_draw(call, person, now):
        offices = sorted({edge.office for edge in _review_edges(call)})
        raise NotAllowed(f"{number}：抽签由{'、'.join(offices)}当天在任的评审岗位办理", code="review.no_post_in_force")
    return call


def _next_record(call: Call, word: str, reason: str, person: Person, now: datetime) -> DrawRecord:
    """The next draw of a call, with what its seed is made from.

    Raises:
        Conflict: the call is not closed yet.
        InvalidRequest: the word is not the one that was committed to.
    """
    require_closed(call, now)
    draw = draws_of(call).count() + 1
    source = source_of_draw(call, draw)
    check_committed(call.number, word, source.commitment)
    return DrawRecord(f"{call.number} 第 {draw} 次", source, person.username, now, word=word, reason=reason)


def _size(plan: ReviewPlan) -> PanelSize:
    return PanelSize(plan.panel, plan.most_reviews, plan.alternates)


def panels_without_alternates(call: Call, now: datetime) -> list[Application]:
    """The applications of a call under review whose panel has nobody left who could be called."""
    states = {edge.from_state for edge in _review_edges(call)}
    rows = Application.objects.filter(call=call, state__in=states, seats__isnull=False, party__isnull=False).distinct()
    unsent = rows.filter(Exists(sitting_seats().filter(application=OuterRef("pk"), sheet__isnull=True)))
    years = plan_of_call(call).tie_years
    return without_alternates(list(unsent.select_related("party").order_by("number")), tie_years=years, now=now)


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
        "word": made.word, "reason": made.reason, "seed_from": seed_from(made), "panels": list(panels.values()),
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
