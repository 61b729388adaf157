"""A call of a programme whose office is one per city: it is that city's which opened it, and no other's."""

from __future__ import annotations

import pytest
from django.test import Client

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.parties.models import Person, Region
from huisuan.programmes.calls.services import amend_call, open_call
from huisuan.programmes.calls.submit import list_missing, submit_draft
from huisuan.programmes.models import Call, Draft
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, may_freeze
from huisuan.programmes.workflow import begin_application, store_edition
from support.calls import CLOSES, DURING, LAST, OPENED, draft, line, terms
from support.jobs import party
from support.programmes import LAW, applicant, official, person

pytestmark = pytest.mark.django_db
HEFEI, WUHU = "合肥市人民政府", "芜湖市人民政府"


def of_city(duty: str, office: str) -> Person:
    """Someone with a post in the government of a city."""
    return official(f"{duty} of {office}", duty, office)


def opened_in_hefei(by: Person | None = None) -> Call:
    """A call of 11.2, published there."""
    asked = terms(programme="11.2", line=line("11.2").pk)
    return open_call(asked, by or of_city("publish", HEFEI), OPENED)


def test_a_city_amends_and_extends_its_own_call_alone() -> None:
    call, later = opened_in_hefei(), LAST.replace(month=10)
    with pytest.raises(NotAllowed, match=HEFEI) as refused:
        amend_call(call.number, "延期", of_city("publish", WUHU), DURING, last_day=later)
    assert refused.value.code == "call.no_post_in_force"
    assert amend_call(call.number, "延期", of_city("publish", HEFEI), DURING, last_day=later).last_day == later


def test_a_city_freezes_its_own_sheet_alone() -> None:
    call = opened_in_hefei()
    assert may_freeze(call, of_city("decide", HEFEI), CLOSES)
    assert not may_freeze(call, of_city("decide", WUHU), CLOSES)


def test_only_applicants_of_the_city_hand_in_under_its_call() -> None:
    call = opened_in_hefei()
    made = begin_application(LAW, "11.2", 2024, applicant(1), DURING, draft=draft(1, rule="11.2", files=()), call=call)
    assert made.edition == call.edition
    person("firm2", "user", party=party(2, region="340200"))
    with pytest.raises(Conflict, match="芜湖市") as refused:
        submit_draft(call.number, draft(2, rule="11.2", files=()).pk, applicant(2), DURING)
    assert refused.value.code == "application.of_another_city"
    first = list_missing(call.number, Draft.objects.get(party=applicant(2).party).pk, applicant(2), DURING)[0]
    assert (first.field, first.code, "只受理本市" in first.text) == ("applicant", "of_another_city", True)
    page = Client()
    page.cookies["django_language"] = "en"
    page.force_login(applicant(2), backend="django.contrib.auth.backends.ModelBackend")
    assert "takes applicants of that city alone" in page.get(f"/calls/{call.number}").content.decode()


def test_who_publishes_for_several_cities_opens_calls_of_the_own_one() -> None:
    both = of_city("publish", HEFEI)
    official(both.username, "publish", WUHU)
    with pytest.raises(InvalidRequest) as refused:
        opened_in_hefei(both)
    assert refused.value.code == "call.of_which_city"
    own = person("of hefei", "city", city=Region.objects.get(code="340100"))
    for office in (HEFEI, WUHU):
        official(own.username, "publish", office)
    assert opened_in_hefei(own).edition.content["city"] == "340100"


def of_before(opener: Person) -> Call:
    """A call that carries the procedure of all cities, opened by somebody."""
    now = opened_in_hefei()
    kept = {field.attname: getattr(now, field.attname) for field in Call._meta.concrete_fields}
    other = {"id": None, "number": "C2023-0001", "edition_id": store_edition(LAW, "11.2").pk, "opened_by_id": opener.pk}
    return Call.objects.create(**(kept | other))


def test_a_call_of_no_city_is_changed_by_none_until_its_city_is_on_record() -> None:
    opener = person("of no city", "province")
    call, nobody = of_before(opener), person("without a post", "province")
    page = Client()
    assert page.get(f"/calls/{call.number}").content.decode().count("认不出属于哪一个市") == 1
    page.force_login(nobody, backend="django.contrib.auth.backends.ModelBackend")  # who may see its sheet
    assert page.get(f"/calls/{call.number}").content.decode().count("认不出属于哪一个市") == 2
    with pytest.raises(NotAllowed, match="认不出由哪个市"):
        amend_call(call.number, "延期", of_city("publish", WUHU), DURING)
    with pytest.raises(NotAllowed, match="认不出由哪个市"):
        freeze_sheet(call.number, of_city("decide", WUHU), CLOSES)
    Person.objects.filter(pk=opener.pk).update(role="city", city="340200")
    assert amend_call(call.number, "更正", of_city("publish", WUHU), DURING).amendments.count() == 1
    with pytest.raises(NotAllowed, match=WUHU):
        amend_call(call.number, "更正", of_city("publish", HEFEI), DURING)


def test_a_call_of_before_is_of_the_one_city_in_which_its_opener_held_a_post_that_day() -> None:
    before = of_before(of_city("publish", HEFEI))
    with pytest.raises(NotAllowed, match=HEFEI):
        amend_call(before.number, "更正", of_city("publish", WUHU), DURING)
    assert amend_call(before.number, "更正", of_city("publish", HEFEI), DURING).amendments.count() == 1
    assert may_freeze(before, of_city("decide", HEFEI), CLOSES)
    assert not may_freeze(before, of_city("decide", WUHU), CLOSES)


def test_a_call_of_before_is_of_the_city_of_whoever_opened_it() -> None:
    before = of_before(person("of hefei", "city", city=Region.objects.get(code="340100")))
    with pytest.raises(NotAllowed, match=HEFEI):
        freeze_sheet(before.number, of_city("decide", WUHU), CLOSES)
    assert may_freeze(before, of_city("decide", HEFEI), CLOSES)
    assert not may_freeze(before, of_city("decide", WUHU), CLOSES)
