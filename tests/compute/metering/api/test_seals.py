"""The meter's proofs over HTTP, for who may read a centre's inside."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.seals.seal_month import seal_month
from support.accounts import caller
from support.metering import agent, leased, said
from support.usage_records import centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


@pytest.fixture
def sealed() -> None:
    site = agent()
    leased(site.centre)
    site.report(said(), said("nobody"))
    imported(sacct(line()))
    seal_month("c1", Month(2024, 3), by="专班", now=datetime(2024, 4, 2, tzinfo=UTC), despite="测试")


def test_a_centre_reads_its_own_seals_flags_and_proofs_and_no_others(sealed: None) -> None:
    own, other = caller("centre", party=party(99)), caller("centre", party=party(5))
    (found,) = own.get("/api/v1/meter/c1/seals").json()
    assert (found["month"], found["records"], found["countersigned_by"]) == ("2024-03", 2, None)
    (flag,) = own.get("/api/v1/meter/c1/flags").json()
    assert (flag["kind"], flag["line"]) == ("no_lease", said("nobody"))
    assert own.get("/api/v1/meter/c1/proof/2").json()["seal"]["statement"] == found["statement"]
    assert [other.get(f"/api/v1/meter/c1/{what}").status_code for what in ("seals", "flags", "proof/1")] == [404] * 3


def test_a_city_an_auditor_and_the_province_read_them_too(sealed: None) -> None:
    for role, place in (("city", {"city_id": "340100"}), ("auditor", {}), ("province", {})):
        assert len(caller(role, **place).get("/api/v1/meter/c1/seals").json()) == 1
    assert caller("city", city_id="340200").get("/api/v1/meter/c1/seals").status_code == 404


def test_a_user_does_not_and_anyone_signed_in_may_have_the_platforms_key(sealed: None) -> None:
    user = caller("user", party=party(1))
    assert user.get("/api/v1/meter/c1/seals").status_code == 403
    assert user.get("/api/v1/meter/key").json() == {"platform_key": platform_key.public()}
    assert Client().get("/api/v1/meter/key").status_code == 401


def test_what_is_not_sealed_yet_has_no_proof_and_says_so(sealed: None) -> None:
    centre("c2")
    answer = caller("auditor").get("/api/v1/meter/c2/proof/1")
    assert (answer.status_code, "没有第 1 条" in answer.json()["detail"]) == (422, True)
