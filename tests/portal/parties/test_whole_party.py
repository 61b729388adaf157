"""A party on one page: its money by year, its claims, lists and ties, as far as the reader may see."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.credit.register import import_credit_list
from huisuan.programmes.models import ApplicationFlag, FlagReason
from huisuan.programmes.payments.returns import import_bank_returns
from support.awards import confirmed, offered, walked_offer
from support.jobs import party
from support.programmes import NOON, TREASURY, budget, official, paid_at_bank, person
from support.reviews import pool, tie

pytestmark = pytest.mark.django_db


def shown(who: Person, uscc: str) -> str:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return html.unescape(client.get(f"/parties/{uscc}").content.decode())


def test_the_money_of_a_year_stands_from_what_is_owed_to_what_was_paid() -> None:
    budget("2.2")
    first, second = offered(1_234_56, 777_00)
    made = walked_offer(confirmed(first))
    payer = official("pay of 2.2", "pay", TREASURY)
    import_bank_returns(paid_at_bank(payer), "r.csv", payer, NOON)
    assert made.party is not None
    assert second.application.party is not None
    page = shown(person("sheng"), made.party.uscc)
    money = page[page.index('id="money"') : page.index('id="claims"')]
    of_year = f"/?q={made.party.uscc}&year=2024"
    for label, page_of in (("应享（可付）", "entitlements"), ("批准", "applications"), ("已支付", "applications")):
        assert f'data-label="{label}" class="number"><a href="/{page_of}{of_year}">1,234.56<' in money, label
    assert 'data-label="还未退" class="number">0.00<' in money
    claims = page[page.index('id="claims"') : page.index("关联关系")]
    assert f"/applications/{made.number}" in claims
    assert f"/applications/?q={made.party.uscc}" in claims
    waiting = shown(person("sheng"), second.application.party.uscc)
    assert "777.00</a>" in waiting
    assert 'data-label="已支付" class="number">0.00<' in waiting


def test_lists_flags_and_ties_stand_there_and_the_last_two_only_for_province_and_audit() -> None:
    (offer,) = offered(100_00)
    made = offer.application
    assert made.party is not None
    ApplicationFlag.objects.create(application=made, kind=FlagReason.SAME_ACCOUNT, about="A2024-1", raised_at=NOON)
    line = f"{made.party.uscc},bars,省信用办,骗取补助,2024-01-01,办法第三条"
    import_credit_list(f"uscc,effect,source,reason,valid_from,basis\n{line}\n".encode(), "信用.csv", now=NOON)
    pool(1)
    tie("e0", made, now=NOON)
    city = person("hefei", "city", city_id=made.party.region_id)
    for who, inside in ((person("sheng"), True), (person("shen", "auditor"), True), (city, False)):
        page = shown(who, made.party.uscc)
        assert ("骗取补助" in page, "不得享受" in page) == (True, True)
        assert ('id="flags"' in page, 'id="experts"' in page) == (inside, inside), who.role


def test_a_party_without_anything_says_so() -> None:
    page = shown(person("sheng"), party(9).uscc)
    assert ("没有账单，也没有申报。" in page, "没有申报过。" in page) == (True, True)
