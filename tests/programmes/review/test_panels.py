"""Draws on record: kept whole, repeatable, never changed; recusal calls the next alternate who may still review."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Draw, DutyHeld, ExpertTie, PanelSeat, SeatEnd
from huisuan.programmes.review.draw import TooFewExperts
from huisuan.programmes.review.draw_records import DrawRecord, PanelSize, repeat_draw
from huisuan.programmes.review.panels import leave_seat, reviews_of_year, sitting, store_draw, without_alternates
from huisuan.programmes.review.pool_import import import_experts, import_ties
from huisuan.programmes.review.seed import make_source
from support.programmes import application

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 4, tzinfo=UTC)
SIZE = PanelSize(5, most_reviews=2, alternates=2)


def pool(number: int) -> None:
    names = [f"e{n}" for n in range(number)]
    for name in names:
        Person.objects.create_person(name, None, role="auditor")
    lines = "".join(f"{name},某大学,大模型,2020-01-01\n" for name in names)
    assert not import_experts(
        f"username,employer,fields,active_from\n{lines}".encode(), "专家.csv", by="李处", now=NOW
    ).faults


def tie(seat: PanelSeat) -> None:
    party = seat.application.party
    assert party is not None
    line = f"{seat.expert.person.username},{party.uscc},advice,2026-01-01\n"
    assert not import_ties(f"username,party,kind,starts\n{line}".encode(), "关系.csv", by="李处", now=NOW).faults


def drawn(made: list[Application], title: str = "揭榜挂帅 2026", size: PanelSize = SIZE) -> Draw:
    record = DrawRecord(title, make_source(title, 1, "", ()), "李处", NOW)
    return store_draw(record, dict.fromkeys(made, "大模型"), size, tie_years=3)


def test_a_draw_is_kept_with_its_inputs_comes_to_the_same_again_and_is_never_changed() -> None:
    pool(9)
    made = drawn([application(1), application(2)])
    assert [seat.alternate for seat in PanelSeat.objects.filter(application=application_of(made, 0))] == (
        [False] * 5 + [True] * 2
    )
    assert repeat_draw(made)
    made.inputs["terms"]["panel"] = 3
    assert not repeat_draw(made)
    for change in (
        lambda: Draw.objects.update(seed="x"), lambda: PanelSeat.objects.update(position=9),
        lambda: PanelSeat.objects.all().delete(),
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def application_of(made: Draw, at: int) -> Application:
    return Application.objects.filter(seats__draw=made).distinct().order_by("number")[at]


def test_an_application_is_drawn_for_once_and_the_reviews_of_the_year_are_counted() -> None:
    pool(7)
    one, two = application(1), application(2)
    drawn([one])
    with pytest.raises(Conflict, match="已抽过签"):
        drawn([one], "再抽")
    assert sum(reviews_of_year(2026).values()) == 5
    assert not reviews_of_year(2025)
    drawn([two], "第二批")
    assert max(reviews_of_year(2026).values()) == 2
    with pytest.raises(TooFewExperts, match="评审件数已满"):
        drawn([application(3)], "第三批")  # 7 experts, 2 reviews each, 10 taken: 4 are left
    assert Draw.objects.count() == 2
    with pytest.raises(InvalidRequest):
        drawn([], "空")


def test_a_recusal_calls_the_next_alternate_and_passes_over_one_with_a_new_tie() -> None:
    pool(9)
    one = application(1)
    drawn([one])
    seats = list(one.seats.order_by("position"))
    tie(seats[5])
    called = leave_seat(seats[0], "与申报单位有合作", tie_years=3, by="李处", now=NOW)
    assert called == seats[6]
    assert {seat.position for seat in sitting(one)} == {2, 3, 4, 5, 7}
    assert SeatEnd.objects.get(seat=seats[5]).reason == "与申报单位有利害关系"
    with pytest.raises(Conflict, match="已不在评审组"):
        leave_seat(seats[0], "再次", tie_years=3, by="李处", now=NOW)
    with pytest.raises(Conflict, match="没有可递补"):
        leave_seat(seats[1], "生病", tie_years=3, by="李处", now=NOW)
    assert {seat.position for seat in sitting(one)} == {2, 3, 4, 5, 7}
    with pytest.raises(InvalidRequest):
        leave_seat(seats[1], " ", tie_years=3, by="李处", now=NOW)
    assert ExpertTie.objects.count() == 1


def test_an_alternate_who_took_another_duty_in_the_application_is_passed_over_and_many_panels_are_one_look() -> None:
    pool(9)
    one, two, three = made = [application(number) for number in (1, 2, 3)]
    drawn(made, size=PanelSize(5, most_reviews=20, alternates=2))
    seats = list(one.seats.order_by("position"))
    for seat in (seats[0], seats[5]):
        DutyHeld.objects.create(application=one, person=seat.expert.person, duty="check")
    assert leave_seat(seats[0], "已办核验", tie_years=3, by="李处", now=NOW) == seats[6]
    assert "另有职责" in SeatEnd.objects.get(seat=seats[5]).reason
    with CaptureQueriesContext(connection) as for_one:
        assert without_alternates([one], tie_years=3, now=NOW) == [one]
    for seat in list(two.seats.order_by("position"))[5:]:
        DutyHeld.objects.create(application=two, person=seat.expert.person, duty="check")
    with CaptureQueriesContext(connection) as for_all:
        assert without_alternates(made, tie_years=3, now=NOW) == [one, two]
    assert len(for_all) <= len(for_one) + 3, "whatever the number of panels"
    assert three not in without_alternates([three], tie_years=3, now=NOW)
