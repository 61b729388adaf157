"""Posts as pages: everybody in an office reads them; who gives them gives and ends them, on record."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.models import Post
from support.programmes import INDUSTRY, official, person

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()


def browser(who: Person) -> Client:
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_post_is_given_by_another_and_listed_with_its_days() -> None:
    giver, clerk = browser(person("giver", "operator")), person("clerk", "department")
    asked = {"person": "clerk", "office": INDUSTRY, "duty": "check", "from": TODAY.isoformat()}
    assert INDUSTRY in shown(giver.get("/posts/new"))
    answer = giver.post("/posts/new", asked)
    made = Post.objects.get()
    assert answer.headers["Location"] == f"/posts/{made.pk}"
    page = shown(browser(clerk).get("/posts/", {"force": "yes"}))
    for said in (clerk.name, INDUSTRY, "核验", "在任"):
        assert said in page
    assert "没有一行" in shown(browser(clerk).get("/posts/", {"force": "no"}))
    assert browser(clerk).get("/posts/new").status_code == 403


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ({"person": "nobody"}, 404, "没有这个账号"), ({"from": "1.1.2024"}, 422, "日期读不出"),
        ({"from": ""}, 422, "自哪天起"), ({"person": "giver"}, 403, "由另一人给予"),
        ({"until": "2001-01-01"}, 422, "早于起始"), ({"for": "99"}, 404, "没有岗位 99"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_typed_stays(typed: dict[str, str], status: int, says: str) -> None:
    giver = browser(person("giver", "operator"))
    person("clerk", "department")
    asked = {"person": "clerk", "office": INDUSTRY, "duty": "decide", "from": TODAY.isoformat()} | typed
    answer = giver.post("/posts/new", asked)
    assert (answer.status_code, Post.objects.count()) == (status, 0)
    assert says in shown(answer)
    assert '<option value="decide" selected>' in shown(answer)


def test_a_post_is_ended_by_who_gives_posts_or_holds_it_and_once() -> None:
    holder = official("checker", "check")
    post = holder.posts.get()
    stranger = browser(person("other", "department"))
    refused = stranger.post(f"/posts/{post.pk}", {"last": TODAY.isoformat()})
    assert refused.status_code == 403
    assert "结束岗位" not in shown(stranger.get(f"/posts/{post.pk}"))
    own = browser(holder)
    past = own.post(f"/posts/{post.pk}", {"last": (TODAY - timedelta(days=2)).isoformat()})
    assert past.status_code == 422
    assert "至早是昨天" in shown(past)
    own.post(f"/posts/{post.pk}", {"last": TODAY.isoformat()})
    post.refresh_from_db()
    assert (post.ended_on, post.ended_by) == (TODAY, holder)
    assert own.post(f"/posts/{post.pk}", {"last": TODAY.isoformat()}).status_code == 409
    assert own.get("/posts/99999").status_code == 404
