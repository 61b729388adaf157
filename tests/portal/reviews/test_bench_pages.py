"""The bench of an expert as pages: what I am to review, blind, a sheet with reasons, and standing back."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client

from huisuan.parties.models import Person
from huisuan.programmes.models import Application, PanelSeat, ScoreSheet
from support.reviews import MARKS, challenge, panels, pool, recommended, seated, tie

pytestmark = pytest.mark.django_db


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def filled(**other: str) -> dict[str, str]:
    return {f"mark-{key}": str(mark) for key, mark in MARKS.items()} | {
        key.replace("_", "-"): text for key, text in other.items()
    }


@pytest.fixture
def made() -> Application:
    pool(9)
    one = recommended(challenge(), 1)
    panels(one)
    return one


def test_an_expert_finds_the_own_seats_and_nobody_else_does(made: Application) -> None:
    own = browser(seated(made)[0])
    page = shown(own.get("/reviews/"))
    assert made.number in page
    assert "待评分" in page
    assert "没有一行" in shown(own.get("/reviews/", {"sent": "yes"}))
    assert made.number in own.get("/reviews/", {"export": "csv"}).getvalue().decode()
    assert made.party is not None
    for where in ("/reviews/", f"/reviews/{made.number}"):
        assert made.party.name not in shown(own.get(where))
    waiting = PanelSeat.objects.filter(application=made, alternate=True)[0].expert.person
    assert browser(waiting).get(f"/reviews/{made.number}").status_code == 404
    assert own.get("/reviews/A1900-000001").status_code == 404
    assert own.get("/").headers["Location"] == "/reviews/"


def test_a_sheet_is_sent_once_with_reasons_where_marks_need_them(made: Application) -> None:
    own = browser(seated(made)[0])
    page = shown(own.get(f"/reviews/{made.number}"))
    for said in ("创新性", "满分 30，即权重", "必须写", "匿名评审"):
        assert said in page
    refused = own.post(f"/reviews/{made.number}/score", filled(mark_novelty="1"))
    assert (refused.status_code, ScoreSheet.objects.count()) == (422, 0)
    assert "请写理由" in shown(refused)
    assert 'name="mark-feasibility" value="20"' in shown(refused)
    assert "须是整数" in shown(own.post(f"/reviews/{made.number}/score", filled(mark_novelty="一")))
    answer = own.post(f"/reviews/{made.number}/score", filled(mark_novelty="1", reason_novelty="没有新意"), follow=True)
    assert "评分表已提交" in shown(answer)
    assert ScoreSheet.objects.get().marks == MARKS | {"novelty": 1}
    after = shown(own.get(f"/reviews/{made.number}"))
    assert "没有新意" in after
    assert "提交评分表（一次" not in after
    again = own.post(f"/reviews/{made.number}/score", filled())
    assert (again.status_code, ScoreSheet.objects.count()) == (409, 1)


def test_who_stands_back_gives_a_reason_and_is_followed(made: Application) -> None:
    first = seated(made)[0]
    own = browser(first)
    assert own.post(f"/reviews/{made.number}/recuse", {"reason": " "}).status_code == 422
    answer = own.post(f"/reviews/{made.number}/recuse", {"reason": "同门"}, follow=True)
    assert "由候补专家递补" in shown(answer)
    assert own.get(f"/reviews/{made.number}").status_code == 404
    follows = PanelSeat.objects.get(application=made, predecessor__isnull=False)
    assert browser(follows.expert.person).get(f"/reviews/{made.number}").status_code == 200


def test_reading_with_a_conflict_shows_nothing_and_changes_nothing_until_the_expert_acts(made: Application) -> None:
    first = seated(made)[0]
    tie(first.username, made)
    own = browser(first, "en")
    page = shown(own.get(f"/reviews/{made.number}"))
    assert "stand back, for you are tied to the applicant" in page
    assert "通用大模型" not in page
    assert PanelSeat.objects.filter(application=made, end__isnull=False).count() == 0
    assert own.get(f"/reviews/{made.number}/files/1").status_code == 403
    refused = own.post(f"/reviews/{made.number}/score", filled())
    assert (refused.status_code, ScoreSheet.objects.count()) == (403, 0)
    assert "an alternate follows" in shown(refused)
    assert PanelSeat.objects.filter(application=made, end__isnull=False).count() == 1
