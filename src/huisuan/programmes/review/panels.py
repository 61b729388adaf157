"""Panels: drawn, given more alternates where none is left, and a seat that somebody leaves.

A draw locks the pool, so that two at once do not give an expert more reviews in a year than one may have.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import Duty
from huisuan.programmes.models import Application, Draw, DutyHeld, Expert, PanelSeat, SeatEnd
from huisuan.programmes.review.called_seats import called_seats
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import (
    EXCLUSION_NAMES,
    DrawnExpert,
    Exclusion,
    Panel,
    ReviewedApplication,
    find_exclusion,
)
from huisuan.programmes.review.draw_records import DrawRecord, PanelSize, keep_draw


@transaction.atomic
def store_draw(record: DrawRecord, fields: Mapping[Application, str], size: PanelSize, *, tie_years: int) -> Draw:
    """Draw a panel for each application (with the field its experts need) and keep it with all its inputs.

    Raises:
        InvalidRequest: nothing to draw for, or an application of no party.
        TooFewExperts: not every panel can be filled; nothing is kept.
        Conflict: one of them has a panel already, or the title is taken.
    """
    if not fields or any(each.party is None for each in fields):
        raise InvalidRequest("没有可抽签的申报，或其中有不属于单位的", code="review.nothing_to_draw")
    lock_pool()
    seated = PanelSeat.objects.filter(application__in=fields).values_list("application__number", flat=True).first()
    if seated or Draw.objects.filter(title=record.title).exists():
        raise Conflict(f"{seated or record.title} 已抽过签：一件只抽一次，回避由候补递补", code="review.drawn_before")
    rows, people = _looked_at(fields, record.at, tie_years)
    made, panels = keep_draw(record, rows, people, size)
    _seat(made, panels, fields, dict.fromkeys((each.number for each in fields), 0))
    return made


@transaction.atomic
def store_more_alternates(
    record: DrawRecord, application: Application, field: str, size: PanelSize, *, tie_years: int
) -> Draw:
    """Draw more alternates for a panel that has none left, among those who never had a seat in it.

    One expert is drawn by the rules of a draw, and behind it as many alternates; all of them wait to be called.

    Raises:
        TooFewExperts: nobody is left; it says which rule took how many.
        Conflict: it has no panel yet, or an alternate who may still review.
    """
    lock_pool()
    seats = list(application.seats.select_related("expert__person").order_by("position"))
    if not seats or application.party is None:
        raise Conflict(f"{application.number} 还没有评审组：先抽签", code="review.no_panel_yet")
    if _next_alternate(application, tie_years, record.at)[0]:
        raise Conflict(f"{application.number} 还有可递补的候补专家，不再抽签：由其递补", code="review.alternates_left")
    rows, people = _looked_at({application: field}, record.at, tie_years)
    made, panels = keep_draw(record, rows, people, replace(size, panel=1))
    _seat(made, panels, [application], {application.number: seats[-1].position}, alternates=True)
    return made


def _seat(
    made: Draw, panels: Sequence[Panel], fields: Iterable[Application], after: Mapping[str, int], *,
    alternates: bool = False,
) -> None:  # fmt: skip
    """Seat who was drawn, behind so many seats that an application has; `alternates`: all of them wait."""
    by_number = {each.number: each for each in fields}
    experts = dict(Expert.objects.values_list("person__username", "pk"))
    PanelSeat.objects.bulk_create(
        (
            PanelSeat(
                draw=made, application=by_number[panel.application], expert_id=experts[key],
                position=after[panel.application] + position, alternate=alternates or position > len(panel.members),
            )
            for panel in panels
            for position, key in enumerate((*panel.members, *panel.alternates), start=1)
        ),
        batch_size=2000,
    )  # fmt: skip


def _looked_at(
    fields: Mapping[Application, str], now: datetime, tie_years: int
) -> tuple[list[ReviewedApplication], list[DrawnExpert]]:
    """Applications (of parties) and the whole pool, as a draw sees them now."""
    day = now.astimezone(SHANGHAI).date()
    sides = load_applicant_sides([each.party for each in fields if each.party is not None], day)
    rows = [
        ReviewedApplication(each.number, field, sides[each.party_id].parties, sides[each.party_id].city)
        for each, field in fields.items()
        if each.party_id is not None
    ]
    people = load_drawn_experts(sides.values(), day, tie_years, reviews_of_year(day.year))
    served = served_before(list(fields))
    return rows, [replace(each, served=served.get(each.key, frozenset())) for each in people]


def served_before(applications: Sequence[Application]) -> dict[str, frozenset[str]]:
    """By username the applications (numbers) in which somebody had a seat, or has another duty than to review."""
    seats = PanelSeat.objects.filter(application__in=applications)
    found = _by_username(seats.values_list("expert__person__username", "application__number"))
    other = _other_duties(applications)
    return {name: found.get(name, frozenset()) | other.get(name, frozenset()) for name in found.keys() | other.keys()}


def _other_duties(applications: Sequence[Application]) -> dict[str, frozenset[str]]:
    """By username the applications (numbers) in which somebody has another duty than to review."""
    duties = DutyHeld.objects.filter(application__in=applications).exclude(duty=Duty.REVIEW.value)
    return _by_username(duties.values_list("person__username", "application__number"))


def _by_username(rows: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for username, number in rows:
        found[username].add(number)
    return {username: frozenset(numbers) for username, numbers in found.items()}


def sitting_seats() -> QuerySet[PanelSeat]:
    """The seats in which somebody sits now: members and called alternates that have not left."""
    return PanelSeat.objects.filter(Q(alternate=False) | Q(predecessor__isnull=False), end__isnull=True)


def sitting(application: Application) -> QuerySet[PanelSeat]:
    """Who reviews an application now."""
    return sitting_seats().filter(application=application).select_related("expert__person")


def reviews_of_year(year: int) -> Counter[str]:
    """How many reviews each expert (by username) has taken on in draws of a year, Asia/Shanghai.

    A seat in a panel that accepts a milestone is one review, however often the panel votes; who left it has none.
    """
    begins, ends = datetime(year, 1, 1, tzinfo=SHANGHAI), datetime(year + 1, 1, 1, tzinfo=SHANGHAI)
    taken = sitting_seats().filter(draw__at__gte=begins, draw__at__lt=ends)
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
    lock_pool()
    application = seat.application
    if seat.pk not in {each.pk for each in sitting(application)} or application.party is None:
        raise Conflict(f"{application.number} 的这一席已不在评审组", code="review.seat_left")
    found, passed = _next_alternate(application, tie_years, now)
    if found is None:
        raise Conflict(
            f"{application.number} 没有可递补的候补专家：请先补抽（huisuan experts draw --again）",
            code="review.no_alternate_left",
        )
    for one, bar in passed:
        SeatEnd.objects.create(seat=one, reason=EXCLUSION_NAMES[bar], by=by[:120], at=now)
    SeatEnd.objects.create(seat=seat, successor=found, reason=reason.strip(), by=by[:120], at=now)
    return found


def without_alternates(applications: Sequence[Application], *, tie_years: int, now: datetime) -> list[Application]:
    """Of some applications (of parties) with a panel those behind which nobody waits who may still review.

    A few queries, whatever their number.
    """
    found = _next_alternates(applications, tie_years, now)
    return [one for one in applications if found[one.pk][0] is None]


#: the first alternate who may still review, and those passed over for it, each with what bars it
_Next: TypeAlias = tuple[PanelSeat | None, list[tuple[PanelSeat, Exclusion]]]


def _next_alternate(application: Application, tie_years: int, now: datetime) -> _Next:
    return _next_alternates([application], tie_years, now)[application.pk]


def _next_alternates(applications: Sequence[Application], tie_years: int, now: datetime) -> dict[int, _Next]:
    """By application (of a party) who is called next; who has another duty in it meanwhile is passed over."""
    day = now.astimezone(SHANGHAI).date()
    sides = load_applicant_sides([one.party for one in applications if one.party is not None], day)
    rows = PanelSeat.objects.filter(
        application__in=applications, alternate=True, predecessor__isnull=True, end__isnull=True
    )
    waiting: dict[int, list[PanelSeat]] = defaultdict(list)
    for seat in rows.select_related("expert__person").order_by("position"):
        waiting[seat.application_id].append(seat)
    seats = [seat for each in waiting.values() for seat in each]
    draws = Draw.objects.in_bulk({seat.draw_id for seat in seats})
    fields = {(pk, row["key"]): row["field"] for pk, made in draws.items() for row in made.inputs["applications"]}
    names = {seat.expert.person.username for seat in seats}
    other = _other_duties(applications)
    people = {
        each.key: replace(each, served=other.get(each.key, frozenset()))
        for each in load_drawn_experts(sides.values(), day, tie_years, reviews_of_year(day.year), names)
    }
    found: dict[int, _Next] = {}
    for one in applications:
        assert one.party_id is not None  # asked when the panel was drawn
        side, passed = sides[one.party_id], list[tuple[PanelSeat, Exclusion]]()
        for seat in waiting[one.pk]:
            row = ReviewedApplication(one.number, fields[seat.draw_id, one.number], side.parties, side.city)
            terms = draws[seat.draw_id].inputs["terms"]
            bar = find_exclusion(row, people[seat.expert.person.username], terms["most_reviews"])
            if bar is None:
                found[one.pk] = seat, passed
                break
            passed.append((seat, bar))
        else:
            found[one.pk] = None, passed
    return found


def lock_pool() -> None:
    """Lock the pool, in one order, until the transaction ends."""
    list(Expert.objects.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
