"""What waits for a person is what they may act on today, with its end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from huisuan.programmes.offices import end_post, give_post
from huisuan.programmes.workflow import act
from huisuan.programmes.workflow.inbox import list_waiting
from support.jobs import party
from support.programmes import INDUSTRY, NOON, applicant, application, official, person

pytestmark = pytest.mark.django_db


def test_an_inbox_holds_what_its_person_may_do_by_when_and_says_what_is_overdue() -> None:
    made = [application(number) for number in (1, 2, 3)]
    for number in (1, 2):
        act(made[number - 1].number, "submit", applicant(number), NOON)
    checker = official("checker", "check")
    waiting = list_waiting(checker, NOON)
    assert [(one.application.number, one.actions) for one in waiting] == [
        (made[0].number, ("return", "check")),
        (made[1].number, ("return", "check")),
    ]
    row = waiting[0].to_dict(NOON)
    assert (row["due"], row["overdue"]) == ("2024-09-25T00:00:00+08:00", False)  # 15 days: 09-14 worked, 15 to 17 free
    assert waiting[0].to_dict(NOON + timedelta(days=60))["overdue"]
    assert [one.application for one in list_waiting(checker, NOON, after=made[0].pk)] == [made[1]]


def test_what_one_may_not_act_on_does_not_wait_for_one() -> None:
    made = application(1)
    act(made.number, "submit", applicant(1), NOON)
    both = official("both", "check")
    official("both", "publish")
    act(made.number, "check", both, NOON)
    publisher = official("publisher", "publish")
    assert list_waiting(both, NOON) == []  # checked it
    assert [one.actions for one in list_waiting(publisher, NOON)] == [("publicise",)]
    tied = person("tied", "user", party=party(1), member_role="viewer")
    give_post(tied, INDUSTRY, "publish", date(2024, 1, 1), person("giver"), NOON)
    assert list_waiting(tied, NOON) == []
    end_post(publisher.posts.get(), date(2024, 9, 1), person("giver"), NOON)
    assert list_waiting(publisher, NOON) == []
    assert list_waiting(applicant(1), NOON) == []
