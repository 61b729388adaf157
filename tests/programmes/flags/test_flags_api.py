"""Flags over HTTP: read by those who handle an application, answered by who does not check it, never by who applies."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from huisuan.base.errors import NotAllowed
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.check_desk.checking import check_application
from huisuan.programmes.models import Application, ApplicationFlag
from huisuan.programmes.offices import give_post
from huisuan.programmes.workflow import act
from support.accounts import personal_caller
from support.calls import DURING, attach, draft, opened
from support.programmes import INDUSTRY, applicant, checked, official, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def flagged() -> tuple[Application, ApplicationFlag]:
    """The second of two that handed in the same file, checked."""
    call = opened()
    made = []
    for number in (1, 2):
        mine = draft(number)
        attach(mine, "international", b"the same")
        made.append(submit_draft(call.number, mine.pk, applicant(number), DURING))
    checked(made[1], official("checker", "check"), DURING)
    return made[1], ApplicationFlag.objects.get()


def flags(by: Client, number: str) -> tuple[int, Any]:
    answer = by.get(f"/api/v1/applications/{number}/flags")
    return answer.status_code, answer.json()


def reply(by: Client, number: str, flag: int, reason: str = "同一公告") -> tuple[int, Any]:
    answer = by.post(f"/api/v1/applications/{number}/flags/{flag}/answer", {"reason": reason}, "application/json")
    return answer.status_code, answer.json()


def test_a_flag_is_read_and_answered_over_http_and_the_application_moves_on(
    flagged: tuple[Application, ApplicationFlag],
) -> None:
    made, flag = flagged
    decider = personal_caller(official("decider", "decide"))
    status, found = flags(decider, made.number)
    (shown,) = found["flags"]
    assert (status, shown["id"], shown["kind"], shown["answered_by"]) == (200, flag.pk, "same_evidence", None)
    assert reply(decider, made.number, flag.pk, " ")[1]["code"] == "flag.reason_missing"
    assert reply(decider, made.number, flag.pk)[1]["flags"][0]["answered_by"] == "decider"
    assert reply(decider, made.number, flag.pk)[1]["code"] == "flag.answered"
    assert act(made.number, "publicise", official("publisher", "publish"), DURING).to_state == "in_publicity"


def test_who_checked_and_who_applies_answer_no_flag(flagged: tuple[Application, ApplicationFlag]) -> None:
    made, flag = flagged
    checker, firm = personal_caller(official("checker", "decide")), personal_caller(applicant(2))
    assert reply(checker, made.number, flag.pk)[1]["code"] == "flag.answered_by_checker"
    assert (flags(firm, made.number)[0], reply(firm, made.number, flag.pk)[0]) == (403, 403)
    city = personal_caller(person("hefei", "city", city_id="340100"))
    assert reply(city, made.number, flag.pk)[0] == 403
    assert reply(personal_caller(official("decider", "decide")), made.number, flag.pk + 1)[0] == 404


def test_whoever_only_asked_for_the_check_has_the_duty_to_check_and_takes_no_other() -> None:
    made = submit_draft(opened().number, draft().pk, applicant(), DURING)
    both = official("both", "check")
    give_post(both, INDUSTRY, "publish", date(2024, 1, 1), person("giver"), DURING)
    check_application(made.number, both, DURING)
    assert made.duties.get(person=both).duty == "check"
    checked(made, official("checker", "check"), DURING)
    with pytest.raises(NotAllowed) as refused:
        act(made.number, "publicise", both, DURING)
    assert refused.value.code == "application.second_duty"
