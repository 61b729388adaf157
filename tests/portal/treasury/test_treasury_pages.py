"""The treasury's books as pages: budgets, orders sent, returns booked, what fits none dealt with, the statement."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from huisuan.base.money import plain_yuan
from huisuan.parties.models import Person
from huisuan.programmes.models import Application
from huisuan.treasury.models import AppropriationLine, BankFile, BankReturnLine, PaymentOrder
from support.programmes import LAW, TREASURY, application, official, person, walked
from support.treasury import returned

pytestmark = pytest.mark.django_db


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def paying() -> Application:
    """An application for which an order was drawn up."""
    return walked(application(1), until="pay")[0].application


def test_a_budget_is_given_by_who_commits_and_shown_to_who_reads() -> None:
    committer = browser(official("committer", "commit", TREASURY))
    walked(application(1), until="submit")
    form = {"programme": f"{LAW.name} 14.1", "year": "2026", "amount": "1,000,000", "document": "皖财〔2026〕9 号"}
    wrong = committer.post("/treasury/lines/", form | {"amount": "百万"})
    assert wrong.status_code == 422
    assert "皖财〔2026〕9 号" in shown(wrong)
    answer = committer.post("/treasury/lines/", form)
    line = AppropriationLine.objects.get(year=2026)
    assert answer.headers["Location"] == f"/treasury/lines/{line.pk}"
    for reader in (committer, browser(person("auditor", "auditor"))):
        assert "1,000,000.00" in shown(reader.get("/treasury/lines/", {"year": "2026"}))
        assert "下达预算" in shown(reader.get(f"/treasury/lines/{line.pk}"))
    auditor = browser(person("auditor", "auditor"))
    assert '<button class="main">下达预算' not in shown(auditor.get("/treasury/lines/"))
    assert auditor.post("/treasury/lines/", form).status_code == 403
    committer.post(f"/treasury/lines/{line.pk}/lapse")
    assert "已收回预算" in shown(committer.get(f"/treasury/lines/{line.pk}"))
    again = committer.post(f"/treasury/lines/{line.pk}/lapse")
    assert again.status_code == 409


def test_orders_go_into_one_file_and_its_returns_end_the_application() -> None:
    made = paying()
    payer = browser(official("payer", "pay", TREASURY))
    page = shown(payer.get("/treasury/orders/"))
    assert made.number in page
    assert "未送银行" in page
    for _ in range(2):
        payer.post("/treasury/orders/send")
    file = BankFile.objects.get()
    assert payer.get(f"/treasury/files/{file.pk}.csv").content == bytes(file.content)
    assert str(file) in shown(payer.get("/treasury/files/"))
    order = PaymentOrder.objects.get()
    content = returned(f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功,", "P999999,1.00,成功,")
    for _ in range(2):
        payer.post("/treasury/returns/", {"file": SimpleUploadedFile("r.csv", content)})
    made.refresh_from_db()
    assert made.state == "closed"
    assert BankReturnLine.objects.count() == 2
    stray = BankReturnLine.objects.get(outcome="clearing")
    assert "没有这张支付令" in shown(payer.get("/treasury/returns/", {"outcome": "waiting"}))
    assert payer.post(f"/treasury/returns/{stray.pk}", {"reason": ""}).status_code == 422
    payer.post(f"/treasury/returns/{stray.pk}", {"reason": "退回付款人"})
    assert "退回付款人" in shown(payer.get(f"/treasury/returns/{stray.pk}"))
    assert "没有一行" in shown(payer.get("/treasury/returns/", {"outcome": "waiting"}))


def test_a_file_for_the_bank_is_for_who_pays_today_and_for_no_other_reader() -> None:
    """It says accounts in full; the pages around it their last four digits."""
    paying()
    payer = browser(official("payer", "pay", TREASURY))
    payer.post("/treasury/orders/send")
    address = f"/treasury/files/{BankFile.objects.get().pk}.csv"
    assert address in shown(payer.get("/treasury/files/"))
    for reader in (official("committer", "commit", TREASURY), person("p", "province"), person("a", "auditor")):
        assert browser(reader).get(address).status_code == 403
        assert address not in shown(browser(reader).get("/treasury/files/"))
    assert payer.get("/treasury/files/999999.csv").status_code == 404


def test_a_file_that_cannot_be_read_books_nothing_and_says_where() -> None:
    paying()
    payer = browser(official("payer", "pay", TREASURY))
    refused = payer.post("/treasury/returns/", {"file": SimpleUploadedFile("r.csv", returned("P1,x,成功,"))})
    assert refused.status_code == 422
    assert "行 2" in shown(refused)
    assert payer.post("/treasury/returns/").status_code == 422
    assert BankReturnLine.objects.count() == 0


def test_the_statement_adds_up_and_is_exported_as_it_stands() -> None:
    paying()
    auditor = browser(person("auditor", "auditor"))
    for by in ("sentence", "office", "year", "city", "party"):
        page = shown(auditor.get("/treasury/statement", {"by": by}))
        assert "50,000.00" in page
    exported = auditor.get("/treasury/statement", {"by": "sentence", "export": "csv"})
    assert "14.1" in b"".join(exported.streaming_content).decode()  # type: ignore[attr-defined]
    assert "by=zz" in shown(auditor.get("/treasury/statement", {"by": "zz"}))


def test_nobody_else_reads_the_books() -> None:
    paying()
    for role in ("operator", "expert", "department"):
        client = browser(person(f"a {role}", role))
        for address in ("lines/", "orders/", "files/", "returns/", "statement"):
            assert client.get(f"/treasury/{address}").status_code == 403
