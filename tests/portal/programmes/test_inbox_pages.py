"""The inbox of a post: what waits, the overdue first, taken up one by one or all at once."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.models import Application
from huisuan.programmes.workflow import act
from support.programmes import NOON, TREASURY, applicant, application, official, walked

pytestmark = pytest.mark.django_db
LONG_AGO = datetime(2024, 2, 1, 4, tzinfo=UTC)


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def submitted(number: int, at: datetime = NOON) -> Application:
    made = application(number)
    Application.objects.filter(pk=made.pk)
    act(made.number, "submit", applicant(number), at)
    return made


def shown(answer: object) -> str:
    return html.unescape(answer.content.decode())  # type: ignore[attr-defined]


def test_what_waits_is_listed_by_its_end_with_what_may_be_done() -> None:
    later, sooner = submitted(1, NOON + timedelta(days=20)), submitted(2)
    page = shown(browser(official("checker", "check")).get("/inbox/"))
    assert page.index(sooner.number) < page.index(later.number)
    assert "2024-09-24 已过期" in page
    assert "核验通过" in page
    assert "2 件已过期" in page
    assert "没有等您办的" in shown(browser(official("payer", "pay", TREASURY)).get("/inbox/"))


def test_the_list_can_be_narrowed_and_exported() -> None:
    made = [submitted(number) for number in (1, 2)]
    checker = browser(official("checker", "check"))
    assert made[0].number not in shown(checker.get("/inbox/", {"q": made[1].number}))
    assert made[0].number in shown(checker.get("/inbox/", {"act": "check", "due": "overdue"}))
    exported = checker.get("/inbox/", {"export": "csv", "q": made[1].number})
    assert b"".join(exported.streaming_content).decode().count("A2024-") == 1  # type: ignore[attr-defined]


def test_many_are_done_at_once_and_what_was_not_is_told_with_its_reason() -> None:
    made = [submitted(number) for number in (1, 2, 3)]
    checker = official("checker", "check")
    client = browser(checker)
    asked = shown(client.get("/inbox/acts", {"number": [one.number for one in made]}))
    assert "一起办理 3 件" in asked
    assert "3 件可以" in asked
    form = {"numbers": " ".join(one.number for one in made), "action": "check", "reason": "", "key": _key(asked)}
    act(made[2].number, "withdraw", applicant(3), NOON)  # meanwhile
    answer = client.post("/inbox/acts", form)
    assert answer.headers["Location"] == "/inbox/acts/done"
    told = shown(client.get("/inbox/acts/done"))
    assert "办了 2 件" in told
    assert f"{made[2].number}：现为已撤回" in told
    assert {one.state for one in Application.objects.all()} == {"checked", "withdrawn"}
    client.post("/inbox/acts", form)  # sent twice: done once
    assert made[0].steps.count() == 2


def test_what_lacks_a_reason_is_asked_again_with_what_was_chosen() -> None:
    made = walked(application(1), until="check")[-1].application
    client = browser(official("decider", "decide"))
    walked_on = act(made.number, "publicise", official("publisher", "publish"), NOON)
    assert walked_on.to_state == "in_publicity"
    asked = shown(client.get("/inbox/acts", {"number": made.number}))
    answer = client.post("/inbox/acts", {"numbers": made.number, "action": "refuse", "key": _key(asked)})
    assert answer.status_code == 422
    assert "须写理由" in shown(answer)


def test_nothing_chosen_leads_back() -> None:
    client = browser(official("checker", "check"))
    assert client.get("/inbox/acts").headers["Location"] == "/inbox/"
    assert client.get("/inbox/acts/done").headers["Location"] == "/inbox/"


def _key(page: str) -> str:
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found
    return found[1]
