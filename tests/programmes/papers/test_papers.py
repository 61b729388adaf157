"""Documents say what is on record: calls, notices, returns, decisions, refusals, money and its recovery."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.documents.models import Document
from huisuan.programmes.awards.recovering import debts_of
from huisuan.programmes.calls.services import amend_call
from huisuan.programmes.corrections.receipts import receive_repayment
from huisuan.programmes.models import ApplicationCheck, CheckKind
from huisuan.programmes.papers.issuing import issue_from_record
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.payments.returns import import_bank_returns, send_orders
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.models import PaymentOrder
from support.awards import GROUP, confirmed, offered, settled, walked_offer
from support.calls import OPENED, opened
from support.jobs import party
from support.notices import published
from support.programmes import (
    ENDED,
    INDUSTRY,
    LAW,
    NOON,
    TREASURY,
    applicant,
    application,
    budget,
    official,
    person,
)
from support.treasury import returned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def words(document: Document) -> str:
    """What its paragraphs say."""
    return "\n".join(part["text"] for part in document.letter["body"])


def test_a_notice_and_a_decision_are_issued_from_the_record_and_issued_again_they_are_replaced() -> None:
    (made,) = published(1)
    publisher, decider = official("publisher", "publish"), official("decider", "decide")
    first = issue_from_record("publicity", "N2024-0001", publisher, NOON)
    assert (first.kind, first.series.office, first.party) == ("publicity", "省经济和信息化厅", None)
    first.refresh_from_db()
    assert first.letter["annexes"][0]["rows"] == [["1", party(1).name, "5,000.00", "牵头制定国家标准 1"]]
    assert "至 2024年9月9日 24:00" in first.letter["body"][0]["text"]
    assert issue_from_record("publicity", "N2024-0001", publisher, NOON).replaces == first
    with pytest.raises(Conflict):
        issue_from_record("decision", made.number, decider, ENDED)
    act(made.number, "decide", decider, ENDED, amount_fen=500_000)
    paper = issue_from_record("decision", made.number, decider, ENDED)
    assert (paper.party, paper.letter["to"]) == (party(1), party(1).name)
    assert "批准金额 5,000.00 元" in paper.letter["body"][1]["text"]


def test_a_return_names_its_fields_and_only_the_office_signs() -> None:
    made, checker = application(), official("checker", "check")
    act(made.number, "submit", applicant(), NOON)
    act(made.number, "return", checker, NOON, reason="缺页", payload={"fields": ["national"]})
    with pytest.raises(NotAllowed):
        issue_from_record("correction", made.number, person("elsewhere"), NOON)
    with pytest.raises(InvalidRequest):
        issue_from_record("poem", made.number, checker, NOON)
    body = issue_from_record("correction", made.number, checker, NOON).letter["body"]
    assert "缺页" in body[1]["text"]


def test_a_call_says_until_when_how_and_what_is_done_where_the_money_is_short() -> None:
    call = opened(tasks={"T1": "大模型评测"})
    paper = issue_from_record("call", call.number, person("publisher"), OPENED)
    text = words(paper)
    assert (paper.kind, paper.is_public, paper.series.office) == ("call", True, INDUSTRY)
    assert "自 2024年9月1日 00:00 起，至 2024年9月30日 24:00 止" in text
    assert "预算不足时按比例" in text
    assert "标准" in text
    paper.refresh_from_db()
    assert paper.letter["annexes"][0]["rows"] == [["T1", "大模型评测"]]
    amend_call(call.number, "补充材料说明", person("publisher"), OPENED, last_day=date(2024, 10, 31))
    again = issue_from_record("call", call.number, person("publisher"), OPENED)
    assert again.replaces == paper
    assert "申报延长至 2024年10月31日 24:00" in words(again)


def test_a_refusal_states_facts_reasons_the_sentence_the_hearing_and_the_remedies() -> None:
    made, decider = application(), official("decider", "decide")
    act(made.number, "submit", applicant(), NOON)
    with pytest.raises(Conflict):
        issue_from_record("refusal", made.number, decider, NOON)
    act(made.number, "refuse", decider, NOON, reason="所报标准不是国家标准")
    paper = issue_from_record("refusal", made.number, decider, NOON)
    text = words(paper)
    assert (paper.party, paper.is_public) == (party(1), False)
    for said in (
        f"提交2024 年度申报 {made.number}", "所报标准不是国家标准", LAW.text.sentences["14.1"].text,
        "自收到本文书之日起 5 个工作日内", "六十日内向安徽省人民政府申请行政复议", "六个月内", "行政诉讼",
    ):  # fmt: skip
        assert said in text


def test_a_refusal_tells_the_checks_that_failed_and_no_other_applicant() -> None:
    made, checker, decider = application(), official("checker", "check"), official("decider", "decide")
    act(made.number, "submit", applicant(), NOON)
    for kind, reason in ((CheckKind.LAW, "国家标准 0 项"), (CheckKind.RELATIONS, "与 A2024-0099 同受控制")):
        ApplicationCheck.objects.create(
            application=made, round=1, kind=kind.value, passed=False, reason=reason, by=checker, at=NOON
        )
    act(made.number, "refuse", decider, NOON, reason="不符合条件")
    text = words(issue_from_record("refusal", made.number, decider, NOON))
    assert "政策条件：国家标准 0 项" in text
    assert "关联关系" in text
    assert "A2024-0099" not in text


def test_money_is_notified_listed_and_asked_back_and_what_the_party_says_is_answered() -> None:
    budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    committer, payer = official("commit of 2.2", "commit", TREASURY), official("pay of 2.2", "pay", TREASURY)
    funds = issue_from_record("funds", made.number, committer, ENDED)
    assert "现下达资金 300.00 元" in words(funds)
    assert funds.party == party(1)
    assert [row[2] for row in funds.letter["annexes"][0]["rows"]] == ["300.00"]

    act(made.number, "pay", payer, ENDED)
    file = send_orders(payer, ENDED)
    paper = issue_from_record("payment_list", str(file), payer, ENDED)
    ((_, _, payee, account, amount, _),) = paper.letter["annexes"][0]["rows"]
    assert (payee, account, amount) == (party(1).name, "…0001", "300.00")
    assert file.sha256 in words(paper)
    assert "1302010109022100001" not in str(paper.letter)
    with pytest.raises(NotAllowed):
        issue_from_record("payment_list", str(file), committer, ENDED)

    (order,) = PaymentOrder.objects.all()
    import_bank_returns(returned(f"{order.name},300.00,成功,"), "r.csv", payer, ENDED)
    settled(17_777)
    registrar = official("register of 2.2", "register", GROUP)
    act(made.number, "recover", registrar, ENDED, reason="更正后的用量")
    another = official("another register of 2.2", "register", GROUP)
    with pytest.raises(Conflict) as nothing:
        act(made.number, "hear", another, ENDED, reason="没有人说过")
    assert nothing.value.code == "award.nothing_pleaded"
    letter = issue_from_record("recovery", made.number, registrar, ENDED)
    text = words(letter)
    assert "已拨付 300.00 元" in text
    assert "应得 177.77 元，须退回 122.23 元" in text
    assert "行政复议" in text
    act(made.number, "plead", applicant(), ENDED, reason="用量没有错")
    (debt,) = debts_of([made])[made.pk]
    assert not receive_repayment(debt, 12_223, "收 1 号", payer, ENDED).recovered
    with pytest.raises(Conflict) as waits:
        act(made.number, "recovered", payer, ENDED)
    assert waits.value.code == "award.plea_unanswered"
    with pytest.raises(NotAllowed) as own:
        act(made.number, "hear", registrar, ENDED, reason="封账记录无误")
    assert own.value.code == "award.recovered_by_the_same"
    act(made.number, "hear", another, ENDED, reason="封账记录无误")
    again = issue_from_record("recovery", made.number, registrar, ENDED)
    assert "你单位陈述申辩：用量没有错" in words(again)
    assert "本单位答复：封账记录无误" in words(again)
    assert act(made.number, "recovered", payer, ENDED).to_state == "closed"


def test_what_the_sentence_earmarks_stands_in_every_letter_about_its_money_and_a_city_has_no_remedies() -> None:
    hefei = person("hefei", "city", city_id="340100")
    made, decider = begin_application(LAW, "8.2", 2024, hefei, NOON), official("decider", "decide", GROUP)
    ways = {taken.action for taken in LAW.programme("8.2").steps}
    assert {"recover", "plead", "hear"} <= ways
    act(made.number, "submit", hefei, NOON)
    act(made.number, "refuse", decider, NOON, reason="项目未认定")
    text = words(issue_from_record("refusal", made.number, decider, NOON))
    assert "本项资金按规定用于智能算力建设和招引重点企业" in text
    assert "行政复议" not in text


def test_of_money_whose_decision_was_revoked_no_notice_is_issued() -> None:
    budget("14.1")
    (made,) = published(1)
    decider, committer = official("decider", "decide"), official("committer", "commit", TREASURY)
    act(made.number, "decide", decider, ENDED, amount_fen=500_000)
    give_payee(made.number, applicant(1), "1302010109022100001", "工商银行合肥分行", ENDED)
    act(made.number, "commit", committer, ENDED)
    assert "现下达资金 5,000.00 元" in words(issue_from_record("funds", made.number, committer, ENDED))
    act(made.number, "revoke", decider, ENDED, reason="标准被废止")
    with pytest.raises(Conflict, match="批准已撤销"):
        issue_from_record("funds", made.number, committer, ENDED)


def test_a_revocation_tells_what_was_granted_and_whoever_checks_the_decision_is_led_to_it(client: Client) -> None:
    (made,) = published(1)
    decider = official("decider", "decide")
    act(made.number, "decide", decider, ENDED, amount_fen=500_000)
    decision = issue_from_record("decision", made.number, decider, ENDED)
    act(made.number, "revoke", decider, ENDED, reason="标准被废止")
    revocation = issue_from_record("revocation", made.number, decider, ENDED)
    text = words(revocation)
    assert f"本单位于 2024年9月10日 批准申报 {made.number}" in text
    assert "标准被废止" in text
    assert "5 个工作日内" in text
    assert revocation.replaces == decision
    assert decision.address.endswith(reverse("document", args=[decision.code]))
    page = client.get(reverse("document", args=[decision.code])).content.decode()
    assert revocation.full_number in page
    assert reverse("document", args=[revocation.code]) in page
    with pytest.raises(Conflict):
        issue_from_record("decision", made.number, decider, ENDED)
