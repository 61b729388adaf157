"""A firm says over HTTP where its money goes; a change waits for a second person, who pays and does nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from huisuan.programmes.awards.standing import payees_in_force
from huisuan.programmes.models import Application
from huisuan.programmes.offices import give_post
from huisuan.programmes.payments.payees import answer_payee_change, give_payee
from huisuan.programmes.workflow import act
from support.accounts import personal_caller
from support.awards import confirmed, offered, walked_offer
from support.programmes import NOON, TREASURY, applicant, application, budget, official, person

pytestmark = pytest.mark.django_db
FIRST, OTHER = "1302010109022100001", "6217000000000001"


def put(by: Client, number: str, to: str = "payee", **body: object) -> tuple[int, Any]:
    answer = by.post(f"/api/v1/applications/{number}/{to}", body, "application/json")
    return answer.status_code, answer.json()


def test_the_first_account_that_a_firm_gives_over_http_counts_at_once() -> None:
    made = application()
    budget()
    status, given = put(personal_caller(applicant()), made.number, account=FIRST, bank="工商银行合肥分行")
    assert (status, given) == (
        200,
        {
            "number": made.number, "account": f"…{FIRST[-4:]}", "bank": "工商银行合肥分行",
            "name": applicant().party.name, "accepted": True,
        },
    )  # fmt: skip
    assert payees_in_force([made])[made.pk].account_number == FIRST


def test_a_change_is_answered_over_http_by_another_who_pays() -> None:
    made, firm = application(), personal_caller(applicant())
    payer = personal_caller(official("payer", "pay", TREASURY))
    put(firm, made.number, account=FIRST, bank="工商银行")
    assert put(payer, made.number, "payee/answer", accept=True)[1]["code"] == "award.no_payee_change"
    assert put(firm, made.number, account=OTHER, bank="建设银行")[1]["code"] == "award.payee_reason_missing"
    assert put(firm, made.number, account=OTHER, bank="建设银行", reason="原账户销户")[1]["accepted"] is None
    assert put(firm, made.number, "payee/answer", accept=True)[0] == 403
    checker = personal_caller(official("checker", "check"))
    assert put(checker, made.number, "payee/answer", accept=True)[1]["code"] == "application.no_post_in_force"
    assert put(payer, made.number, "payee/answer", accept=True)[1]["accepted"] is True
    assert payees_in_force([made])[made.pk].account_number == OTHER


def test_nobody_gives_an_account_to_the_application_of_another() -> None:
    made = application()
    assert put(personal_caller(applicant(2)), made.number, account=FIRST, bank="工商银行")[0] == 404
    assert put(personal_caller(official("payer", "pay", TREASURY)), made.number, account=FIRST, bank="x")[0] == 403
    reader = person("reader", "user", party=applicant().party, member_role="viewer")
    assert put(personal_caller(reader, "read"), made.number, account=FIRST, bank="工商银行")[0] == 403


def test_whoever_answers_a_change_has_the_duty_to_pay_and_takes_no_other() -> None:
    budget("2.2", 100_000)
    made: Application = walked_offer(confirmed(offered(30_000)[0]), "decide")
    give_payee(made.number, applicant(), OTHER, "建设银行", NOON, reason="原账户销户")
    both = official("both", "pay", TREASURY)
    give_post(both, TREASURY, "commit", date(2024, 1, 1), person("giver"), NOON)
    answer_payee_change(made.number, True, both, NOON)
    assert made.duties.get(person=both).duty == "pay"
    with pytest.raises(Exception, match="不能再") as refused:
        act(made.number, "commit", both, NOON)
    assert getattr(refused.value, "code", "") == "application.second_duty"
