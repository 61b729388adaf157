"""What an applicant finds: what can be claimed, a call with its window, a draft handed in, an offer confirmed once."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.calls.services import amend_call
from huisuan.programmes.models import Application
from huisuan.programmes.workflow import act
from support.awards import ACCOUNT, BANK, offered
from support.calls import draft, line, opened, publisher
from support.programmes import applicant, application, official, person

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
TODAY = timezone.localdate()


def browser(who: Person | None) -> Client:
    client = Client()
    if who:
        client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


@pytest.fixture
def call() -> Any:
    """One that is open now."""
    return opened(NOW, line=line(year=2024).pk, first_day=TODAY, last_day=TODAY + timedelta(days=9), year=2024)


def test_a_call_is_public_with_both_instants_its_terms_and_amendments(call: Any) -> None:
    amend_call(call.number, "增加附件", publisher(), NOW, last_day=TODAY + timedelta(days=12))
    for page in (shown(browser(None).get("/calls/")), shown(browser(None).get(f"/calls/{call.number}"))):
        assert call.number in page
        assert "受理中" in page
    page = shown(browser(None).get(f"/calls/{call.number}"))
    closes = TODAY + timedelta(days=13)
    for said in (f"{closes} 00:00:00", "按比例分配", "增加附件", "抽签", "省经济和信息化厅"):
        assert said in page
    assert browser(None).get("/calls/C2024-9999").status_code == 404


def test_a_draft_is_handed_in_from_the_call_once_it_is_whole(call: Any) -> None:
    made = draft(files=())
    client = browser(applicant(1))
    assert "核对并提交" in shown(client.get(f"/calls/{call.number}"))
    page = shown(client.get(f"/calls/{call.number}/submit", {"draft": made.pk}))
    assert "还缺 1 项" in page
    refused = client.post(f"/calls/{call.number}/submit", {"draft": made.pk})
    assert refused.status_code == 422
    assert "还缺 1 项" in shown(refused)
    whole = draft(label="另一份")
    for _ in range(2):
        answer = client.post(f"/calls/{call.number}/submit", {"draft": whole.pk})
    application = Application.objects.get()
    assert answer.headers["Location"] == f"/applications/{application.number}"
    assert browser(person("reader", "user", party=applicant(1).party, member_role="viewer")).get(
        f"/calls/{call.number}/submit"
    ).status_code == 403  # fmt: skip


def test_home_says_what_can_be_claimed_what_came_back_and_who_has_what_is_under_way(call: Any) -> None:
    client, made = browser(applicant(1)), draft()
    offer = offered(30_000_000)[0].application
    page = shown(client.get("/claims/"))
    assert f"/offers/{offer.number}" in page
    assert f"/calls/{call.number}/submit?draft={made.pk}" in page
    client.post(f"/calls/{call.number}/submit", {"draft": made.pk})
    application = Application.objects.get(call=call)
    assert "省经济和信息化厅" in shown(client.get("/claims/"))
    checker = official("checker", "check")
    act(application.number, "return", checker, NOW, reason="附件看不清", payload={"fields": ["national"]})
    assert "附件看不清" in shown(client.get("/claims/"))
    assert f"/applications/{application.number}" not in shown(browser(applicant(2)).get("/claims/"))


def test_an_offer_is_confirmed_on_one_page_once() -> None:
    offer = offered(30_000_000)[0].application
    client = browser(applicant(1))
    page = shown(client.get(f"/offers/{offer.number}"))
    found = re.search(r'name="key" value="(\w+)"', page)
    assert found
    form = {"account": ACCOUNT, "bank": BANK, "key": found[1]}
    refused = client.post(f"/offers/{offer.number}", form)
    assert refused.status_code == 422
    assert "须声明内容属实" in shown(refused)
    assert ACCOUNT in shown(refused)
    for _ in range(2):
        answer = client.post(f"/offers/{offer.number}", form | {"truthful": "yes"})
        assert answer.headers["Location"] == f"/applications/{offer.number}"
    offer.refresh_from_db()
    assert (offer.state, offer.steps_taken) == ("submitted", 1)
    assert "已经确认过" in shown(client.get(f"/offers/{offer.number}"))
    assert browser(applicant(2)).get(f"/offers/{offer.number}").status_code == 404


def test_what_home_does_not_list_it_counts_and_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.portal.programmes.claims._LISTED", 1)
    client, made = browser(applicant(1)), [application() for _ in range(3)]
    for one in made:
        act(one.number, "submit", applicant(1), NOW)
    page = shown(client.get("/claims/"))
    assert sum(f"/applications/{one.number}" in page for one in made) == 1
    assert "另有 2 项没有列在这里。" in page
    assert 'href="/applications/">看全部' in page
