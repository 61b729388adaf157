"""The page of an application: how it stands, what it says and why, its history and money, and the acts one may take."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application
from huisuan.programmes.workflow import act
from support.awards import confirmed, offered
from support.calls import DURING, draft, opened
from support.programmes import INDUSTRY, NOON, TREASURY, applicant, application, checked, official, person, walked

pytestmark = pytest.mark.django_db
AFTER = datetime(2024, 10, 10, 2, tzinfo=UTC)


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def handed_in() -> Application:
    return submit_draft(opened().number, draft().pk, applicant(1), DURING)


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found
    return found[1]


def test_an_official_reads_facts_files_and_the_laws_answer_and_finds_the_acts() -> None:
    made = handed_in()
    client = browser(official("checker", "check"))
    page = shown(client.get(f"/applications/{made.number}"))
    for said in ("待核验", INDUSTRY, "national.pdf", "申报单位填写", "推理", "核验通过", "退回补正", "每一步都接着"):
        assert said in page
    file = re.search(rf"/applications/{made.number}/files/[0-9a-f]{{64}}", page)
    assert file
    answer = client.get(file[0])
    assert answer.content.endswith(b"agi_enterprise") or answer.content.endswith(b"national")
    assert client.get(f"/applications/{made.number}/files/{'0' * 64}").status_code == 404


def test_a_step_is_taken_once_and_the_inbox_goes_on() -> None:
    made, other = handed_in(), application(2)
    act(other.number, "submit", applicant(2), DURING)
    client = browser(official("checker", "check"))
    page = shown(client.get(f"/applications/{made.number}", {"from": "inbox"}))
    assert "下一件" in page
    form = {"key": key_of(page), "from": "inbox"}
    answer = client.post(f"/applications/{made.number}/acts/check", form)
    assert answer.headers["Location"] == f"/applications/{other.number}?from=inbox"
    client.post(f"/applications/{made.number}/acts/check", form)
    made.refresh_from_db()
    assert (made.state, made.steps_taken) == ("checked", 2)
    last = client.post(f"/applications/{other.number}/acts/check", {"key": "b", "from": "inbox"})
    assert last.headers["Location"] == "/inbox/"


def test_what_is_returned_says_which_fields_and_why_to_who_has_the_pen() -> None:
    made = handed_in()
    client = browser(official("checker", "check"))
    refused = client.post(f"/applications/{made.number}/acts/return", {"reason": "附件看不清", "key": "a"})
    assert refused.status_code == 422
    assert "须写明要补正的栏目" in shown(refused)
    assert "附件看不清" in shown(refused)
    form = {"reason": "附件看不清", "fields": ["national"], "key": "a"}
    client.post(f"/applications/{made.number}/acts/return", form)
    page = shown(browser(applicant(1)).get(f"/applications/{made.number}"))
    for said in ("请补正", "附件看不清", "补正并再次提交"):
        assert said in page


def test_what_may_not_be_done_is_refused_on_the_page() -> None:
    made = handed_in()
    checker = official("checker", "check")
    checked(made, checker, DURING)
    answer = browser(checker).post(f"/applications/{made.number}/acts/publicise", {"key": "a"})
    assert answer.status_code == 403
    assert "须由" in shown(answer)
    official("checker", "publish")
    page = shown(browser(checker).get(f"/applications/{made.number}"))
    assert "已承担核验" in page
    assert f'action="/applications/{made.number}/acts' not in page


def test_a_decision_names_its_amount_in_yuan() -> None:
    made = walked(application(1), until="publicise")[-1].application
    client = browser(official("decider", "decide"))
    wrong = client.post(f"/applications/{made.number}/acts/decide", {"amount": "五万", "key": "a"})
    assert wrong.status_code == 422
    assert "读不出" in shown(wrong)
    client.post(f"/applications/{made.number}/acts/decide", {"amount": "50,000.01", "key": "b"})
    made.refresh_from_db()
    assert (made.state, made.amount_fen) == ("decided", 5_000_001)


def test_money_and_every_step_are_told_to_the_applicant_and_the_auditor() -> None:
    steps = walked(application(1))
    number = steps[0].application.number
    for reader in (applicant(1), person("auditor", "auditor"), official("reader", "check")):
        page = shown(browser(reader).get(f"/applications/{number}"))
        for said in ("已办结", "50,000.00", "已支付", "…0001", TREASURY):
            assert said in page
        assert "/acts/" not in page
    assert browser(applicant(2)).get(f"/applications/{number}").status_code == 404


def test_an_offer_shows_its_settlement_and_no_upload() -> None:
    made = confirmed(offered(30_000_000)[0])
    page = shown(browser(person("auditor", "auditor")).get(f"/applications/{made.number}"))
    assert "由结算得出" in page
    assert "300,000.00" in page
    assert page.count("2.2") > 1


def test_a_list_shows_each_reader_its_own() -> None:
    mine, other = walked(application(1), until="check")[0].application, application(2)
    page = shown(browser(applicant(1)).get("/applications/"))
    assert mine.number in page
    assert other.number not in page
    everyone = shown(browser(person("auditor", "auditor")).get("/applications/", {"state": "checked"}))
    assert mine.number in everyone
    assert other.number not in everyone
    assert NOON + timedelta(days=1) < AFTER
