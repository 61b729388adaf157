"""A city's vouchers by page and by API: its own people enter, lower and reverse them, and see what share follows."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.parties.models import Person, Region
from huisuan.programmes.models import CityShare
from huisuan.programmes.workflow import begin_application
from huisuan.treasury.city_payments import remaining_fen
from huisuan.treasury.models import CityPayment
from support.accounts import personal_caller
from support.programmes import LAW, NOON, TREASURY, applicant, official, person

pytestmark = pytest.mark.django_db
HEADER = "city,voucher,project,amount,paid_day\n"


def of_city(code: str) -> Person:
    return person(f"city {code}", "city", city=Region.objects.get(code=code))


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def file(*lines: str) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("拨付.csv", (HEADER + "\n".join(lines)).encode())}


def test_a_city_enters_a_file_lowers_and_reverses_a_voucher_and_sees_the_share_that_follows() -> None:
    hefei, where = of_city("340100"), "/treasury/city-payments/"
    city = browser(hefei)
    good = "340100,V-1,项目甲,1000000,2024-04-01"
    report = shown(city.post(where, file(good, "340200,V-2,项目乙,5,2024-04-01", "340100,V-3,项目丙,x,2024-04-01")))
    assert "只登记本市 340100 的拨付" in report
    assert "不是大于 0 的金额" in report
    (payment,) = CityPayment.objects.all()
    assert (payment.by, payment.amount_fen) == (hefei.username, 100_000_000)
    assert "未变" in shown(city.post(where, file(good)))
    made = begin_application(LAW, "8.2", 2024, hefei, NOON)
    declared = {"key_technology": True, "city": "340100"}
    CityShare.objects.create(application=made, number=1, project="项目甲", declared=declared, by=hefei, at=NOON)
    one = f"{where}{payment.pk}"
    assert all(said in shown(city.get(one)) for said in (made.number, "300,000.00"))
    assert city.post(one, {"amount": "1", "reason": ""}).status_code == 422
    assert city.post(one, {"amount": "1000000.01", "reason": "太多"}).status_code == 409
    assert "多付退回" in shown(city.post(one, {"amount": "200000", "reason": "多付退回"}, follow=True))
    assert "240,000.00" in shown(city.get(one))
    caller = personal_caller(hefei)
    address = f"/api/v1/city-payments/{payment.pk}"
    body = {"amount_fen": 10_000_000, "reason": "再核减"}
    assert caller.post(f"{address}/lower", body, "application/json").json()["left_fen"] == 70_000_000
    (share,) = caller.get(address).json()["shares"]
    assert (share["application"], share["owed_fen"], share["excess_fen"]) == (made.number, 21_000_000, 0)
    assert city.post(one, {"reverse": "yes", "reason": "项目终止"}).status_code == 302
    assert remaining_fen(payment) == 0
    assert "已全部冲销" in shown(city.get(one))


def test_another_city_sees_nothing_of_it_the_treasury_reads_and_nobody_else_writes() -> None:
    city, where = browser(of_city("340100")), "/treasury/city-payments/"
    city.post(where, file("340100,V-1,项目甲,1000000,2024-04-01"))
    (payment,) = CityPayment.objects.all()
    other, reader = of_city("340200"), official("payer", "pay", TREASURY)
    assert "V-1" not in shown(browser(other).get(where))
    assert browser(other).post(f"{where}{payment.pk}", {"amount": "1", "reason": "x"}).status_code == 404
    assert personal_caller(other).get(f"/api/v1/city-payments/{payment.pk}").status_code == 404
    assert "V-1" in shown(browser(reader).get(where))
    assert browser(reader).post(f"{where}{payment.pk}", {"amount": "1", "reason": "x"}).status_code == 403
    assert browser(reader).post(where, file("340100,V-9,项目,1,2024-04-01")).status_code == 403
    assert browser(applicant()).get(where).status_code == 403
    export = city.get(where, {"export": "csv"}).getvalue().decode()
    assert ("V-1" in export, remaining_fen(payment)) == (True, 100_000_000)
