"""A call published, amended and extended by page, by who holds a post to publish; never shortened."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.models import Call
from support.calls import line, publisher
from support.programmes import LAW, applicant, official, person

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def typed(**other: str) -> dict[str, str]:
    return {
        "programme": f"{LAW.name} 14.1", "year": "2024", "title": "2024 年标准制定奖补", "first": TODAY.isoformat(),
        "last": (TODAY + timedelta(days=9)).isoformat(), "line": str(line(year=2024).pk), "shortage": "pro_rata",
        "tie-1": "applied", "tie-2": "amount", "tie-3": "", "tasks": "",
    } | other  # fmt: skip


def test_a_call_is_published_with_its_terms_then_amended_and_extended() -> None:
    office = browser(publisher())
    assert "发布申报通知" in shown(office.get("/calls/"))
    page = shown(office.get("/calls/new"))
    assert "14.1" in page
    assert "2.2 " not in page  # is offered by the platform
    answer = office.post("/calls/new", typed(tasks="T1 通用大模型\nT2 行业大模型"))
    made = Call.objects.get()
    assert answer.headers["Location"] == f"/calls/{made.number}"
    assert (made.ties, made.tasks) == (["applied", "amount"], {"T1": "通用大模型", "T2": "行业大模型"})
    where = f"/calls/{made.number}/amend"
    sooner, later = TODAY + timedelta(days=5), TODAY + timedelta(days=20)
    refused = office.post(where, {"text": "改期", "last": sooner.isoformat()})
    assert (refused.status_code, "不能缩短" in shown(refused), "改期" in shown(refused)) == (409, True, True)
    done = shown(office.post(where, {"text": "增加一份附件", "last": later.isoformat()}, follow=True))
    assert "增加一份附件" in done
    made.refresh_from_db()
    assert made.last_day == later


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"title": " "}, 422, "Title may not be empty"), ({"year": "x"}, 422, "year cannot be read"),
        ({"first": "1.1.2024"}, 422, "day"), ({"shortage": "rank"}, 422, "cannot go by rank"),
        ({"tie-2": "applied"}, 422, "names the same twice"), ({"tasks": "T1"}, 422, "a task a line"),
        ({"line": ""}, 422, "choose a budget line"), ({"line": "999999"}, 404, "no budget line 999999"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_published(wrong: dict[str, str], status: int, says: str) -> None:
    answer = browser(publisher(), "en").post("/calls/new", typed(**wrong))
    assert (answer.status_code, Call.objects.count()) == (status, 0)
    assert says in shown(answer)


def test_who_holds_no_post_to_publish_neither_publishes_nor_amends() -> None:
    browser(publisher()).post("/calls/new", typed())
    made = Call.objects.get()
    other = browser(official("checker", "check"))
    assert "您今天没有这样的岗位" in shown(other.get("/calls/new"))
    assert other.post("/calls/new", typed()).status_code == 403
    assert "公布更正或延期" not in shown(other.get(f"/calls/{made.number}"))
    assert other.post(f"/calls/{made.number}/amend", {"text": "改"}).status_code == 403
    assert browser(person("sj", "auditor")).get("/calls/new").status_code == 403
    assert browser(applicant(1)).post(f"/calls/{made.number}/amend", {"text": "改"}).status_code == 403
    assert not made.amendments.exists()
