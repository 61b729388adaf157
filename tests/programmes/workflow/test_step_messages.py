"""Applicants are told what became of their applications, and an office that somebody objects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huisuan.messages.models import Message
from huisuan.parties.models import Person
from huisuan.programmes.models import PublicNotice
from huisuan.programmes.notices.objecting import ObjectionText, object_to_line
from huisuan.programmes.workflow import act
from support.notices import published
from support.programmes import NOON, applicant, application, official, walked

pytestmark = pytest.mark.django_db


def told(who: Person) -> list[tuple[str, str]]:
    return list(Message.objects.filter(person=who).order_by("pk").values_list("code", "link"))


def test_what_comes_back_is_told_with_its_reason_to_the_applicant_alone() -> None:
    made = application()
    act(made.number, "submit", applicant(1), NOON)
    act(
        made.number, "return", official("checker", "check"), NOON, reason="附件看不清", payload={"fields": ["national"]}
    )
    assert told(applicant(1)) == [("application_returned", f"/applications/{made.number}")]
    message = Message.objects.get(person=applicant(1))
    assert (message.kind, message.values) == ("waiting", {"number": made.number, "reason": "附件看不清"})
    assert not Message.objects.exclude(person=applicant(1)).exists()


def test_a_decision_and_the_last_payment_are_told() -> None:
    made = application()
    walked(made)
    assert [code for code, _link in told(applicant(1))] == ["application_decided", "application_paid"]
    assert Message.objects.get(code="application_decided").values["amount"] == "50,000.00"


def test_an_objection_is_told_to_who_may_answer_and_names_nobody() -> None:
    published(1, now=datetime.now(UTC))
    other, checker = official("other", "publish"), official("checker", "check")
    notice = PublicNotice.objects.get()
    said = ObjectionText("王五", "13800000000", "不是其牵头制定")
    made = object_to_line(notice.number, 1, said, datetime.now(UTC))
    assert told(other) == [("objection_came", f"/publicity/{made.pk}")]
    assert (told(checker), told(notice.published_by)) == ([], [])
    assert "王五" not in str(Message.objects.get(person=other).values)
