"""On the page of an application: its firm gives and changes the account, a payer answers, others answer its flags."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import payees_in_force
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, ApplicationFlag
from support.calls import DURING, attach, draft, opened
from support.programmes import TREASURY, applicant, checked, official, person

pytestmark = pytest.mark.django_db
FIRST, OTHER = "1302010109022100001", "6217000000000001"


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture
def flagged() -> Application:
    """The second of two that handed in the same file."""
    call = opened()
    made = []
    for number in (1, 2):
        mine = draft(number)
        attach(mine, "international", b"the same")
        made.append(submit_draft(call.number, mine.pk, applicant(number), DURING))
    return made[1]


def test_a_firm_gives_its_account_and_a_payer_answers_its_change_on_the_page(flagged: Application) -> None:
    address = f"/applications/{flagged.number}"
    firm, payer = browser(applicant(2)), browser(official("payer", "pay", TREASURY))
    assert "填写收款账户" in shown(firm.get(address))
    wrong = firm.post(f"{address}/payee", {"account": "12", "bank": "工商银行"})
    assert wrong.status_code == 422
    assert "须为 8 至 32 位数字" in shown(wrong)
    assert 'value="12"' in shown(wrong)
    assert firm.post(f"{address}/payee", {"account": FIRST, "bank": "工商银行"}).status_code == 302
    assert f"…{FIRST[-4:]}" in shown(firm.get(address))
    change = {"account": OTHER, "bank": "建设银行", "change_reason": "原账户销户"}
    assert firm.post(f"{address}/payee", change).status_code == 302
    page = shown(firm.get(address))
    assert "有一项变更等第二人确认" in page
    assert "变更的理由" not in page
    assert OTHER in shown(payer.get(address))
    assert OTHER not in shown(browser(official("checker", "check")).get(address))
    assert payer.post(f"{address}/payee/answer", {"accept": "yes"}).status_code == 302
    assert payees_in_force([flagged])[flagged.pk].account_number == OTHER
    assert payer.post(f"{address}/payee/answer", {"accept": "yes"}).status_code == 409


def test_who_only_reads_in_the_firm_finds_no_form_for_the_account(flagged: Application) -> None:
    reader = person("reader", "user", party=applicant(2).party, member_role="viewer")
    assert "填写收款账户" not in shown(browser(reader).get(f"/applications/{flagged.number}"))


def test_a_flag_is_shown_to_officials_alone_and_answered_by_who_does_not_check(flagged: Application) -> None:
    checked(flagged, official("checker", "check"), DURING)
    address, flag = f"/applications/{flagged.number}", ApplicationFlag.objects.get()
    decider, checker = browser(official("decider", "decide")), browser(official("checker", "check"))
    assert "佐证材料相同" not in shown(browser(applicant(2)).get(address))
    page = shown(decider.get(address))
    for said in ("佐证材料相同", "international.pdf", "答复疑点"):
        assert said in page
    assert "等核验人以外的人答复" in shown(checker.get(address))
    refused = checker.post(f"{address}/flags/{flag.pk}/answer", {"flag_reason": "没问题"})
    assert refused.status_code == 403
    assert decider.post(f"{address}/flags/{flag.pk}/answer", {"flag_reason": " "}).status_code == 422
    assert decider.post(f"{address}/flags/{flag.pk}/answer", {"flag_reason": "同一公告"}).status_code == 302
    assert "同一公告" in shown(decider.get(address))
    assert decider.post(f"{address}/flags/{flag.pk}/answer", {"flag_reason": "再答"}).status_code == 409


def test_what_was_checked_stands_on_the_page_for_officials_and_is_asked_again_there(flagged: Application) -> None:
    address = f"/applications/{flagged.number}"
    checker = browser(official("checker", "check"))
    assert "还没有核对" in shown(checker.get(address))
    assert "还没有核对" not in shown(browser(official("decider", "decide")).get(address)), "nobody else asks"
    assert browser(official("decider", "decide")).post(f"{address}/checks").status_code == 403
    assert browser(applicant(2)).post(f"{address}/checks").status_code == 403
    done = checker.post(f"{address}/checks")
    assert done.headers["Location"] == f"{address}#checks"
    page = shown(browser(official("decider", "decide")).get(address))
    for said in ("第 1 次", "政策条件", "信用名单", "既往项目评价"):
        assert said in page
    assert "再核对一次" not in page
    assert "信用名单" not in shown(browser(applicant(2)).get(address))
    assert "再核对一次" in shown(checker.get(address))
    checker.cookies["django_language"] = "en"
    english = shown(checker.get(address)).split('id="checks"')[1].split("</section>")[0]
    assert re.findall(r"[\u3400-\u9fff]+", english) == []
    for said in ("qualifies, 1,000,000.00 yuan owed", "not on the credit list", "1 other applicant of the call"):
        assert said in english
