"""Draws on record: made, repeated from what was kept of them, and a seat that somebody leaves.

A draw locks the pool, so that two at once do not give an expert more reviews in a year than one may have.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.hashing import text_sha256
from huisuan.base.months import SHANGHAI
from huisuan.programmes.models import Application, Draw, Expert, PanelSeat, SeatEnd
from huisuan.programmes.review.called_seats import called_seats
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import (
    EXCLUSION_NAMES,
    DrawnExpert,
    DrawTerms,
    ReviewedApplication,
    draw_panels,
    find_exclusion,
)


@transaction.atomic
def store_draw(
    title: str, fields: Mapping[Application, str], terms: DrawTerms, *, tie_years: int, by: str, now: datetime
) -> Draw:
    """Draw a panel for each application (with the field its experts need) and keep it with all its inputs.

    Raises:
        InvalidRequest: nothing to draw for, or an application of no party.
        TooFewExperts: not every panel can be filled; nothing is kept.
        Conflict: one of them has a panel already, or the title is taken.
    """
    if not fields or any(each.party is None for each in fields):
        raise InvalidRequest("没有可抽签的申报，或其中有不属于单位的", code="review.nothing_to_draw")
    experts = {each.person.username: each for each in _lock_pool()}
    seated = PanelSeat.objects.filter(application__in=fields).values_list("application__number", flat=True).first()
    if seated or Draw.objects.filter(title=title).exists():
        raise Conflict(f"{seated or title} 已抽过签：一件只抽一次，回避由候补递补", code="review.drawn_before")
    day = now.astimezone(SHANGHAI).date()
    sides = load_applicant_sides([each.party for each in fields if each.party is not None], day)
    rows = [
        ReviewedApplication(each.number, field, sides[each.party_id].parties, sides[each.party_id].city)
        for each, field in fields.items()
        if each.party_id is not None
    ]
    people = load_drawn_experts(sides.values(), day, tie_years, reviews_of_year(day.year))
    inputs = draw_inputs(rows, people, terms)
    panels = draw_panels(rows, people, terms)
    made = Draw.objects.create(
        title=title, seed=terms.seed, inputs=inputs, digest=inputs_digest(inputs), by=by[:120], at=now
    )  # fmt: skip
    by_number = {each.number: each for each in fields}
    PanelSeat.objects.bulk_create(
        (
            PanelSeat(
                draw=made, application=by_number[panel.application], expert=experts[key], position=position,
                alternate=position > len(panel.members),
            )
            for panel in panels
            for position, key in enumerate((*panel.members, *panel.alternates), start=1)
        ),
        batch_size=2000,
    )  # fmt: skip
    return made


def repeat_draw(made: Draw) -> bool:
    """Whether the kept inputs are those of the digest and come to the seats that are kept."""
    if inputs_digest(made.inputs) != made.digest:
        return False
    rows = [
        ReviewedApplication(each["key"], each["field"], frozenset(each["parties"]), frozenset(each["city"]))
        for each in made.inputs["applications"]
    ]
    people = [
        DrawnExpert(
            each["key"], frozenset(each["fields"]), frozenset(each["tied"]), frozenset(each["controlled"]),
            each["load"], each["active"],
        )
        for each in made.inputs["experts"]
    ]  # fmt: skip
    again = {
        (panel.application, position, key)
        for panel in draw_panels(rows, people, DrawTerms(made.seed, **made.inputs["terms"]))
        for position, key in enumerate((*panel.members, *panel.alternates), start=1)
    }
    kept = made.seats.values_list("application__number", "position", "expert__person__username")
    return again == set(kept)


def sitting(application: Application) -> QuerySet[PanelSeat]:
    """Who reviews an application now: members and called alternates that have not left."""
    taken = Q(alternate=False) | Q(predecessor__isnull=False)
    return PanelSeat.objects.filter(taken, application=application, end__isnull=True).select_related("expert__person")


def reviews_of_year(year: int) -> Counter[str]:
    """How many reviews each expert (by username) has taken on in draws of a year, Asia/Shanghai.

    A seat in a panel that accepts a milestone is one review, however often the panel votes; who left it has none.
    """
    begins, ends = datetime(year, 1, 1, tzinfo=SHANGHAI), datetime(year + 1, 1, 1, tzinfo=SHANGHAI)
    taken = PanelSeat.objects.filter(
        Q(alternate=False) | Q(predecessor__isnull=False), end__isnull=True, draw__at__gte=begins, draw__at__lt=ends
    )
    accepting = called_seats().filter(draw__at__gte=begins, draw__at__lt=ends)
    found = Counter(taken.values_list("expert__person__username", flat=True))
    return found + Counter(accepting.values_list("expert__person__username", flat=True))


@transaction.atomic
def leave_seat(seat: PanelSeat, reason: str, *, tie_years: int, by: str, now: datetime) -> PanelSeat:
    """Recusal: the next alternate who may still review takes the place; those passed over leave with their reason.

    Raises:
        InvalidRequest: no reason.
        Conflict: the seat is not sat in, or no alternate is left; then nothing changes.
    """
    if not reason.strip() or len(reason) > 500:
        raise InvalidRequest("回避须写理由（至多 500 字）", code="review.recusal_without_reason")
    _lock_pool()
    application = seat.application
    if seat.pk not in {each.pk for each in sitting(application)} or application.party is None:
        raise Conflict(f"{application.number} 的这一席已不在评审组", code="review.seat_left")
    terms, day = seat.draw.inputs["terms"], now.astimezone(SHANGHAI).date()
    field = next(each["field"] for each in seat.draw.inputs["applications"] if each["key"] == application.number)
    sides = load_applicant_sides([application.party], day)
    side = next(iter(sides.values()))
    row = ReviewedApplication(application.number, field, side.parties, side.city)
    waiting = PanelSeat.objects.filter(
        application=application, alternate=True, predecessor__isnull=True, end__isnull=True
    )
    waiting = waiting.select_related("expert__person").order_by("position")
    names = [each.expert.person.username for each in waiting]
    loads = reviews_of_year(day.year)
    people = {each.key: each for each in load_drawn_experts(sides.values(), day, tie_years, loads, names)}
    for one in waiting:
        bar = find_exclusion(row, people[one.expert.person.username], terms["most_reviews"])
        if bar is None:
            SeatEnd.objects.create(seat=seat, successor=one, reason=reason.strip(), by=by[:120], at=now)
            return one
        SeatEnd.objects.create(seat=one, reason=EXCLUSION_NAMES[bar], by=by[:120], at=now)
    raise Conflict(f"{application.number} 没有可递补的候补专家：请另行抽签", code="review.no_alternate_left")


def _lock_pool() -> list[Expert]:
    """The pool, in one order, until the transaction ends."""
    return list(Expert.objects.select_for_update(of=("self",)).select_related("person").order_by("pk"))


def draw_inputs(rows: list[ReviewedApplication], people: list[DrawnExpert], terms: DrawTerms) -> dict[str, Any]:
    """What a draw was made from, as it is kept."""
    return {
        "applications": [
            {"key": each.key, "field": each.field, "parties": sorted(each.parties), "city": sorted(each.city)}
            for each in sorted(rows, key=lambda each: each.key)
        ],
        "experts": [
            {
                "key": each.key, "fields": sorted(each.fields), "tied": sorted(each.tied),
                "controlled": sorted(each.controlled), "load": each.load, "active": each.active,
            }
            for each in sorted(people, key=lambda each: each.key)
        ],
        "terms": {"panel": terms.panel, "most_reviews": terms.most_reviews, "alternates": terms.alternates},
    }  # fmt: skip


def inputs_digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of what a draw was made from."""
    return text_sha256(json.dumps(inputs, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
