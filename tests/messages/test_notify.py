"""Telling: once an event, in its transaction, and only to people who act for the place that it concerns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from stdnum.cn import uscc

from huisuan.messages.models import Message, MessageKind
from huisuan.messages.notify import Notice, notify, notify_all
from huisuan.messages.recipients import (
    owners_of_firm,
    people_of_city,
    people_of_firm,
    people_of_operator,
    person_of_firm,
    working_group,
)
from huisuan.messages.texts import UnknownText, message_texts, render_message, text_of
from huisuan.parties.models import Party, Person, Region

NOW = datetime(2024, 6, 30, 4, tzinfo=UTC)
VALUES = {"name": "train"}


def firm(number: int, kind: str = "enterprise") -> Party:
    base = f"91340100MA2T{number:05d}"
    code = base + uscc.calc_check_digit(base)
    return Party.objects.create(uscc=code, name=f"firm {number}", kind=kind, region_id="340100")


def person(
    name: str, role: str = "user", party: Party | None = None, city: str | None = None, member_role: str = ""
) -> Person:
    place = Region.objects.get(code=city) if city else None
    return Person.objects.create_person(name, None, role=role, party=party, city=place, member_role=member_role)


def told() -> set[tuple[str, str]]:
    return set(Message.objects.values_list("person__username", "key"))


@pytest.mark.django_db
def test_a_firm_is_told_and_its_neighbour_is_not() -> None:
    ours, theirs = firm(1), firm(2)
    person("wang", party=ours)
    person("li", party=ours)
    person("zhao", party=theirs)
    person("clerk", "city", city="340100")
    notify("job_done", VALUES, to=[people_of_firm(ours.pk)], key="job:1:ended", now=NOW, link="/jobs/1")
    assert told() == {("wang", "job:1:ended"), ("li", "job:1:ended")}


@pytest.mark.django_db
def test_an_event_tells_once_however_often_it_is_tried() -> None:
    ours = firm(1)
    person("wang", party=ours)
    for _ in range(3):
        notify("job_done", VALUES, to=[people_of_firm(ours.pk), person_of_firm(ours.pk, "wang")], key="k", now=NOW)
    assert told() == {("wang", "k")}


@pytest.mark.django_db
def test_who_was_disabled_or_moved_or_is_a_machine_is_told_nothing() -> None:
    ours, theirs = firm(1), firm(2)
    person("boss", party=ours)  # somebody stays an owner
    gone, moved = person("gone", party=ours), person("moved", party=ours)
    gone.is_active = False
    gone.save()
    moved.party = theirs
    moved.save()
    Person.objects.create_person("robot", None, role="user", party=ours, machine=True)
    to = [people_of_firm(ours.pk), person_of_firm(ours.pk, "moved"), person_of_firm(ours.pk, "nobody")]
    notify("job_done", VALUES, to=to, key="k", now=NOW)
    assert told() == {("boss", "k")}


@pytest.mark.django_db
def test_what_only_owners_can_decide_is_told_to_the_active_owners_of_the_firm() -> None:
    ours, theirs = firm(1), firm(2)
    for name, role in (("first", "owner"), ("second", "owner"), ("li", "submitter"), ("zhao", "viewer")):
        person(name, party=ours, member_role=role)
    person("elsewhere", party=theirs)
    gone = person("gone", party=ours, member_role="owner")
    gone.is_active = False
    gone.save()
    Person.objects.create_person("robot", None, role="user", party=ours, machine=True, member_role="owner")
    notify("job_done", VALUES, to=[owners_of_firm(ours.pk), person_of_firm(ours.pk, "li")], key="k", now=NOW)
    assert told() == {("first", "k"), ("second", "k"), ("li", "k")}
    notify("job_done", VALUES, to=[owners_of_firm(ours.pk)], key="k2", now=NOW)
    assert told() - {("first", "k"), ("second", "k"), ("li", "k")} == {("first", "k2"), ("second", "k2")}


@pytest.mark.django_db
def test_each_audience_finds_its_own_people() -> None:
    operator = firm(3, "centre_operator")
    person("centre", "centre", operator)
    person("hefei", "city", city="340100")
    person("wuhu", "city", city="340200")
    person("province", "province")
    for number, recipient in enumerate([people_of_operator(operator.pk), people_of_city("340100"), working_group()]):
        notify("job_done", VALUES, to=[recipient], key=str(number), now=NOW)
    assert told() == {("centre", "0"), ("hefei", "1"), ("province", "2")}


@pytest.mark.django_db
def test_a_thousand_notices_take_a_handful_of_statements() -> None:
    firms = [firm(number) for number in range(1, 11)]
    for number, party in enumerate(firms):
        person(f"p{number}", party=party)
    notices = [Notice("job_done", VALUES, (people_of_firm(firms[n % 10].pk),), f"job:{n}") for n in range(1000)]
    with CaptureQueriesContext(connection) as queries:
        notify_all(notices, NOW)
    assert (Message.objects.count(), len(queries) <= 4) == (1000, True)


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_told_to_nobody() -> None:
    ours = firm(1)
    person("wang", party=ours)

    with transaction.atomic():
        notify("job_done", VALUES, to=[people_of_firm(ours.pk)], key="k", now=NOW)
        transaction.set_rollback(True)
    assert told() == set()
    with pytest.raises(RuntimeError):
        notify("job_done", VALUES, to=[people_of_firm(ours.pk)], key="k", now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("link", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/a b"])
def test_a_message_leads_to_a_page_of_ours_or_nowhere(link: str) -> None:
    ours = firm(1)
    person("wang", party=ours)
    with pytest.raises(IntegrityError), transaction.atomic():
        notify("job_done", VALUES, to=[people_of_firm(ours.pk)], key="k", now=NOW, link=link)


@pytest.mark.django_db
def test_a_message_stays_as_it_was_written() -> None:
    ours = firm(1)
    person("wang", party=ours)
    notify("job_done", VALUES, to=[people_of_firm(ours.pk)], key="k", now=NOW)
    Message.objects.update(read_at=NOW, routed=True)
    for change in ({"code": "job_failed"}, {"values": {"name": "other"}}, {"key": "other"}, {"position": "user:0"}):
        with pytest.raises(Exception, match="messages_stay_as_written"), transaction.atomic():
            Message.objects.update(**change)


def test_a_sentence_is_read_in_the_language_of_its_reader() -> None:
    values = {"budget": "模型组", "percent": 80, "used": "8.00", "limit": "10.00"}
    assert render_message("budget_share", values, "zh-hans") == "模型组 的预算已用 80%：8.00 / 10.00"
    assert render_message("budget_share", values, "en") == "模型组 has used 80% of its budget: 8.00 of 10.00"
    assert render_message("of_a_later_version", values, "en") == "of_a_later_version"


def test_a_name_cannot_forge_a_second_line_or_turn_the_direction() -> None:
    assert render_message("job_done", {"name": "a\r\nBcc: x\u202eb\x00{name}"}, "en") == "Job a Bcc: x b {name} is done"


def test_every_sentence_has_a_known_kind_and_both_languages() -> None:
    texts = message_texts()
    assert {text.kind for text in texts.values()} <= set(MessageKind.values)
    assert all(text.zh and text.en.isascii() for text in texts.values())


@pytest.mark.parametrize("values", [{}, {"name": "a", "more": "b"}, {"title": "a"}])
def test_values_that_are_not_those_of_the_sentence_are_refused_where_they_are_written(values: dict[str, str]) -> None:
    with pytest.raises(UnknownText):
        text_of("job_done", values)
