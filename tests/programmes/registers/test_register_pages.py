"""Registers through their pages: a firm asks, the office matches, an entry shows what hangs on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.parties.models import Person
from huisuan.programmes.offices.services import give_post
from support.programmes import applicant, person
from support.registers import OFFICE, PARKS, POLICY

pytestmark = pytest.mark.django_db


def signed_in(who: Person) -> Client:
    """A browser of theirs."""
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def keeper_of(office: str) -> Person:
    """Who keeps the registers of an office today."""
    now = datetime.now(UTC)
    keeper = person(f"today-{office}", "department")
    give_post(keeper, office, "register", now.date() - timedelta(days=400), person("giver"), now)
    return keeper


def entered(client: Client, key: str, **cells: str) -> str:
    """The page after entering one entry; it says what was wrong where something was."""
    address = reverse("enter-in-register", args=[POLICY, key])
    assert client.get(address).status_code == 200
    cells.setdefault("from", "2024-01-01")
    return client.post(address, cells, follow=True).content.decode()


def test_a_firm_asks_for_compute_the_office_matches_it_and_both_see_what_is_left() -> None:
    office, firm = signed_in(keeper_of(OFFICE)), signed_in(applicant(1))
    entered(office, "resources", code="R-1", name="合肥算力包", kind="compute", amount="100", unit="卡")
    offers = reverse("enter-in-register", args=[POLICY, "resources"])
    assert firm.post(offers, {"code": "R-2", "name": "企业的"}).status_code == 403, "firms offer nothing here"
    shown = entered(firm, "needs", code="N-1", name="训练需求", kind="compute", amount="130", unit="卡",
                    received_on="2024-03-01", holder="不是它的代码")  # fmt: skip
    assert "企业 1" in shown
    assert firm.post(reverse("match-register", args=[POLICY, "resources"])).status_code == 403
    matches = office.post(reverse("match-register", args=[POLICY, "resources"]), follow=True).content.decode()
    assert "新的对接：1 件。" in matches
    assert "N-1~R-1~1" in matches
    need = Client().get(reverse("register-entry", args=[POLICY, "needs", "N-1"])).content.decode()
    for text in ("130 卡", "100 卡", "30 卡", "N-1~R-1~1"):
        assert text in need
    wrong = entered(
        office, "resources", code="R-1", name="合肥算力包", kind="compute", amount="99", unit="卡", reason="减"
    )
    assert "少于已动用的 100" in wrong


def test_a_park_shows_its_firms_by_days_the_share_and_whether_it_was_looked_at() -> None:
    office = signed_in(keeper_of(OFFICE))
    entered(office, PARKS, code="P-1", name="量子园", region="340100", firms="2", agi_firms="1", document="皖智1号")
    for number in (1, 2):
        firm = applicant(number).party
        assert firm is not None
        entered(office, "park_firms", code=f"M{number}", name=f"入园{number}", holder=firm.uscc, park="p-1")
    agi, later = applicant(1).party, "2024-05-01"
    assert agi is not None
    entered(office, "agi_firms", code="A1", name="甲", holder=agi.uscc, ground="过半", document="文", until=later)
    park = office.get(reverse("register-entry", args=[POLICY, PARKS, "P-1"])).content.decode()
    assert "没有超过 60% 的时候" in park
    assert "50.0% (1/2)" in park
    gone = {"code": "M2", "name": "入园2", "holder": applicant(2).party.uscc, "park": "P-1"}  # type: ignore[union-attr]
    entered(office, "park_firms", until="2024-03-31", reason="迁出", **gone)
    park = office.get(reverse("register-entry", args=[POLICY, PARKS, "P-1"])).content.decode()
    for text in ("超过 60% (1/1)", "不再超过 60% (0/1)"):
        assert text in park
    last = datetime.now(UTC).year - 1
    warning = f"{last} 年度尚未查看"
    assert warning in office.get(reverse("register-of", args=[POLICY, PARKS])).content.decode()
    assert warning not in Client().get(reverse("register-of", args=[POLICY, PARKS])).content.decode()
    look = {"code": "L1", "name": "年度查看", "park": "P-1", "year": str(last), "result": "kept", "by_whom": "张三"}
    assert "张三" not in entered(office, "park_looks", **look), "who looked is not public"
    assert "与在册的 L1 相同" in entered(office, "park_looks", **look | {"code": "L2"})
    assert warning not in office.get(reverse("register-of", args=[POLICY, PARKS])).content.decode()
