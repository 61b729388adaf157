"""Usage, tariffs and parties over HTTP, for each role."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.compute.centres.tariffs import set_tariff
from support.accounts import caller
from support.usage_records import A800, centre, code, imported, line, party, sacct

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_tenants() -> None:
    for number in (1, 2):
        party(number)
    party(3, region_id="340200")
    centre()
    lines = [line(job, Account=f"lab{1 + job % 2}") for job in range(1, 6)]
    tenants = f"account,uscc\nlab1,{code(1)}\nlab2,{code(2)}\n".encode()
    imported(sacct(*lines), tenants=(tenants, "t"))


def test_a_user_gets_its_own_records_page_by_page(two_tenants: None) -> None:
    user = caller("user", party=party(2))
    page = user.get("/api/v1/usage?limit=2").json()
    assert [(row["job_id"], row["party"]) for row in page["items"]] == [("1", code(2)), ("3", code(2))]
    rest = user.get(f"/api/v1/usage?limit=2&after={page['next']}").json()
    assert ([row["job_id"] for row in rest["items"]], rest["next"]) == (["5"], None)
    assert user.get(f"/api/v1/usage?party={code(1)}").json()["items"] == []


def test_sums_hold_only_what_the_caller_may_see(two_tenants: None) -> None:
    user = caller("user", party=party(1))
    assert user.get("/api/v1/usage/summary?by=party,month").json() == [
        {"party": code(1), "month": "2024-03", "card_seconds": 2 * 28_800, "records": 2}
    ]
    everyone = caller("auditor").get("/api/v1/usage/summary?by=party").json()
    assert [row["records"] for row in everyone] == [2, 3]
    assert user.get("/api/v1/usage/summary?by=colour").status_code == 422


def test_a_centre_imports_at_its_own_and_nowhere_else(two_tenants: None) -> None:
    def upload(client: Client) -> Any:
        file = SimpleUploadedFile("late.txt", sacct(line(9, Account="lab1"), line(10, End="never")))
        return client.post("/api/v1/usage/import", {"centre": "c1", "format": "sacct", "file": file})

    answer = upload(caller("centre", party=party(99)))
    assert answer.status_code == 200, answer.content
    assert (answer.json()["new"], answer.json()["faults"][0]["line"]) == (1, 3)
    assert upload(caller("centre", party=party(1))).status_code == 403
    assert upload(caller("user", party=party(1))).status_code == 403
    assert upload(caller("province")).json()["unchanged"] == 1


def test_without_a_token_nothing_is_said(two_tenants: None) -> None:
    for path in ("usage", "usage/summary", "tariffs", "parties"):
        assert Client().get(f"/api/v1/{path}").status_code == 401


def test_prices_are_open_to_all_who_sign_in(two_tenants: None) -> None:
    set_tariff("c1", A800, "1200", date(2024, 1, 1))
    (price,) = caller("user", party=party(1)).get("/api/v1/tariffs").json()
    assert (price["model"], price["fen_per_card_hour"], price["valid_to"]) == (A800, 1200, None)


def test_parties_are_for_those_who_oversee_them(two_tenants: None) -> None:
    page = caller("province").get("/api/v1/parties?limit=3").json()
    assert len(page["items"]) == 3
    rest = caller("auditor").get(f"/api/v1/parties?after={page['next']}").json()
    assert len(rest["items"]) == 1
    wuhu = caller("city", city_id="340200").get("/api/v1/parties").json()["items"]
    assert [row["uscc"] for row in wuhu] == [code(3)]
    assert caller("user", party=party(1)).get("/api/v1/parties").status_code == 403
