"""Corrections and recoveries as pages: what differs and why, re-based with a reason, what came back by its voucher."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Offer
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act
from huisuan.treasury.models import Debt
from support.awards import DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import ENDED, NOON, TREASURY, applicant, budget, official, paid_at_bank, person

pytestmark = pytest.mark.django_db


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def payer() -> Person:
    return official("pay of 2.2", "pay", TREASURY)


def overpaid() -> Application:
    """Paid 300.00 yuan, of which 250.00 are owed; the rest is claimed back."""
    (offer,) = offered(30_000)
    made = confirmed(offer)
    budget("2.2")
    walked_offer(made)
    import_bank_returns(paid_at_bank(payer()), "r.csv", payer(), NOON)
    settled(25_000)
    made.refresh_from_db()
    return made


def test_an_undecided_offer_that_is_outdated_is_listed_and_rebased_by_the_office() -> None:
    (offer,) = offered(30_000)
    made = confirmed(offer)
    auditor = browser(person("shenji", "auditor"))
    assert "没有要更正的" in shown(auditor.get("/corrections/"))
    settled(29_000)
    page = shown(auditor.get("/corrections/"))
    for said in (made.number, "重定（未批准）", "300.00", "290.00"):
        assert said in page
    assert made.number in auditor.get("/corrections/", {"export": "csv"}).getvalue().decode()
    where = f"/corrections/{made.number}"
    assert "重定</button>" not in shown(auditor.get(where))
    assert auditor.post(where, {"reason": "迟到的用量"}).status_code == 403
    office = browser(official("data", "check", DATA))
    assert "按最近一次结算重定" in shown(office.get(where))
    assert office.post(where, {"reason": " "}).status_code == 422
    answer = office.post(where, {"reason": "迟到的用量"}, follow=True)
    assert "原 300.00 元" in shown(answer)
    assert Offer.objects.get(application=made, replaced_by__isnull=True).amount_fen == 29_000
    assert "没有要更正的" in shown(office.get(where))
    assert browser(applicant(1)).get("/corrections/").status_code == 403


def test_what_was_overpaid_is_claimed_back_and_received_once_a_voucher() -> None:
    made = overpaid()
    office = browser(payer())
    assert "启动追回" in shown(office.get(f"/corrections/{made.number}"))
    act(made.number, "recover", official("registrar", "register", GROUP), ENDED, reason="多算了用量")
    debt = Debt.objects.get()
    page = shown(office.get("/treasury/debts/"))
    for said in (debt.key, "未退清", "50.00"):
        assert said in page
    assert "没有一行" in shown(office.get("/treasury/debts/", {"state": "done"}))
    where = f"/treasury/debts/{debt.pk}"
    english = shown(browser(payer(), "en").get(where))
    for said in ("Enter a repayment", "Still open", "no days were agreed"):
        assert said in english
    assert office.post(where, {"amount": "五十", "voucher": "V1"}).status_code == 422
    assert "还有 20.00 元未退" in shown(office.post(where, {"amount": "30", "voucher": "V1"}, follow=True))
    assert office.post(where, {"amount": "60", "voucher": "V2"}).status_code == 409
    assert "追回完毕" in shown(office.post(where, {"amount": "20", "voucher": "V2"}, follow=True))
    done = shown(office.get(where))
    assert "V1" in done
    assert "登记退款" not in done
    made.refresh_from_db()
    assert made.state != "in_recovery"
    stranger = browser(person("looks"))
    assert "登记退款" not in shown(stranger.get(where))
    assert stranger.post(where, {"amount": "1", "voucher": "V3"}).status_code == 403
