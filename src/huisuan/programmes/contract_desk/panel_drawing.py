"""The draw of the panel that accepts a milestone, and of more alternates once none is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.contract_desk.desk import contract_of, lock_milestones, milestone_of, take_up
from huisuan.programmes.contract_desk.panel import drawn_from, has_alternates, has_panel
from huisuan.programmes.contracts.figures import contract_figures
from huisuan.programmes.models import AcceptanceSeat, Application, Draw, DutyHeld, Expert
from huisuan.programmes.review.draw_records import DrawRecord, PanelSize, keep_draw
from huisuan.programmes.review.panels import lock_pool
from huisuan.programmes.review.plan import plan_of
from huisuan.programmes.review.seed import check_committed
from huisuan.programmes.submissions.seed_sources import require_closed, source_of_milestone


@transaction.atomic
def draw_acceptance_panel(number: str, milestone: int, word: str, person: Person, now: datetime) -> Draw:
    """Draw who accepts a milestone, from the pool, by the same rules as reviews; all inputs are kept.

    Nobody is drawn who has another duty in the application. Once no alternate is left the same draws more of them,
    among those who never had a seat here. The seed is made from what had come under the call when it closed and from
    the number of the draw; `word` decides nothing.

    Raises:
        NotFound, NotAllowed: not a person who signs contracts of this application.
        InvalidRequest: no panel is declared, or the word is not the one that was committed to.
        Conflict: no such milestone, it is accepted, it has a panel with alternates, or the call is not closed.
        TooFewExperts: not every seat can be filled.
    """
    application = take_up(number, person, now)
    lock_milestones(contract_of(application))
    found = milestone_of(application, milestone)
    if not has_panel(application) or application.party is None:
        raise InvalidRequest(f"{number}：验收由签订合同的单位办理，不抽取专家", code="contract.no_panel")
    lock_pool()
    seats = list(found.seats.select_related("expert__person").prefetch_related("votes__set_aside").order_by("position"))
    if seats and (has_alternates(seats, now) or found.results.filter(accepted=True).exists()):
        raise Conflict(f"{number}：第 {milestone} 个节点已抽取专家", code="contract.panel_drawn")
    plan, wanted = plan_of(application), contract_figures(application.edition, now)["panel"]
    row, people = drawn_from(application, plan, now)
    barred = {each.expert.person.username for each in seats} | _in_another_duty(application)
    served = frozenset([number])
    people = [replace(each, served=served) if each.key in barred else each for each in people]
    size = seats[0].panel if seats else wanted
    draws = len({seat.draw_id for seat in seats})
    if application.call is not None:
        require_closed(application.call, now)
    source = source_of_milestone(application, milestone, draws + 1)
    check_committed(application.call.number if application.call else number, word, source.commitment)
    record = DrawRecord(_title(number, milestone, draws), source, person.username, now, word=word)
    made, (panel,) = keep_draw(
        record, [row], people, PanelSize(1 if seats else size, plan.most_reviews, plan.alternates)
    )
    experts = dict(Expert.objects.values_list("person__username", "pk"))
    AcceptanceSeat.objects.bulk_create(
        AcceptanceSeat(draw=made, milestone=found, expert_id=experts[key], position=position, panel=size)
        for position, key in enumerate((*panel.members, *panel.alternates), start=len(seats) + 1)
    )
    return made


def _title(number: str, milestone: int, draws: int) -> str:
    title = f"{number} 第 {milestone} 个节点验收"
    return f"{title}，第 {draws + 1} 次抽取" if draws else title


def _in_another_duty(application: Application) -> set[str]:
    held = DutyHeld.objects.filter(application=application).exclude(duty=Duty.REVIEW.value)
    return set(held.values_list("person__username", flat=True))
