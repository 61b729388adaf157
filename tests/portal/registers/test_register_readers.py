"""Who sees of a register's entry what its fields keep private, and whom an entry's holder is tied to today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.parties.models import Person, Region, Relation
from huisuan.programmes.models import Expert, ExpertTie
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.registers.services import get_register, import_register
from support.jobs import party
from support.programmes import NOON, applicant, official, person
from support.registers import OFFICE, POLICY, listed_as_agi

pytestmark = pytest.mark.django_db


def keeper_of_city(code: str, name: str) -> Person:
    made = person(f"city{code}", "city", city=Region.objects.get(code=code))
    give_post(made, f"{name}人民政府", "register", date(2024, 1, 1), person("giver"), NOON)
    return made


def enter_sale(by: Person, code: str, city: str, number: int) -> None:
    firm = applicant(number).party
    assert firm is not None
    row = f"{code},标注服务,{firm.uscc},{city},2024-03-01,,数据标注,2024-03-01,300,HT-{code},FP2"
    columns = ",".join(get_register(POLICY, "vendor_sales").columns.values())
    now = datetime(2025, 2, 1, 4, tzinfo=UTC)
    report = import_register(f"{columns}\n{row}".encode(), "f.csv", POLICY, "vendor_sales", by=by, now=now)
    assert not report.faults


def entry(code: str, key: str = "vendor_sales") -> str:
    return reverse("register-entry", args=[POLICY, key, code])


def page(who: Person | None, address: str) -> str:
    browser = Client()
    if who is not None:
        browser.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.getvalue().decode()


def test_a_city_does_not_learn_that_two_other_cities_entered_the_same_invoice() -> None:
    hefei, wuhu = keeper_of_city("340100", "合肥市"), keeper_of_city("340200", "芜湖市")
    bengbu = keeper_of_city("340300", "蚌埠市")
    enter_sale(hefei, "H1", "合肥市", 1)
    enter_sale(wuhu, "W1", "芜湖市", 2)
    same, of = "与另一件相同", reverse("register-of", args=[POLICY, "vendor_sales"])
    assert same in page(hefei, entry("H1")), "it answers for its own entry"
    assert same in page(person("caizheng", "treasury"), entry("H1"))
    for reader in (bengbu, applicant(1), None):
        assert same not in page(reader, entry("H1"))
    assert same not in page(hefei, entry("W1")), "nor from the other's side"
    assert "重复：" in page(wuhu, of)
    assert "重复：" not in page(bengbu, of)


def test_only_ties_that_hold_today_are_held_against_who_keeps_the_register() -> None:
    today = datetime.now(UTC).date()
    listed = listed_as_agi(applicant(1))
    holder, shareholder = applicant(1).party, party(7)
    keeper = person("登记员", "user", party=shareholder)
    official("某人", "register", OFFICE)
    give_post(keeper, OFFICE, "register", date(2024, 1, 1), person("giver"), NOON)
    expert = Expert.objects.create(person=keeper, by="李处", at=NOON)

    def tied(kind: str, starts: date, ends: date | None = None) -> None:
        known = {"known_from": starts, "source": "关系.csv", "by": "李处", "at": NOON}
        ExpertTie.objects.create(expert=expert, party=holder, kind=kind, starts=starts, ends=ends, **known)

    def warned() -> int:
        said = page(person("sheng"), entry(listed.code, "agi_firms"))
        _, found, after = said.partition("维护这份名录的单位有人与它有关联")
        return after.partition("</p>")[0].count("登记员") if found else 0

    tied("advice", date(2024, 1, 1), today)
    known = {"known_from": date(2024, 1, 1), "source": "工商登记", "control": True, "by": "李处", "at": NOON}
    Relation.objects.create(owner=shareholder, owned=holder, valid_from=date(2024, 1, 1), valid_to=today, **known)
    assert warned() == 0, "what ended before today is over"
    tied("advice", date(2024, 2, 1))
    tied("employment", today - timedelta(days=9))
    assert warned() == 2, "each tie is said"
