"""How one wants to be told: a grid that is kept, checked, and says why something was not delivered."""

from __future__ import annotations

from typing import Any

import pytest

from huisuan.messages.models import Delivery
from huisuan.messages.preferences import preferences_of
from support.portal import NOW, World

pytestmark = pytest.mark.django_db
GOOD = {
    "language": "en", "digest_hour": "18", "webhook_url": "https://hooks.example.cn/x", "job_ended.mail": "daily",
    "waiting.page": "never",
}  # fmt: skip


def test_what_is_chosen_holds_and_is_shown(world: World) -> None:
    browser = world.browser("alpha")
    assert browser.post("/messages/settings", GOOD, follow=True).status_code == 200
    holds = preferences_of([world.people["alpha"]])[world.people["alpha"].pk]
    assert (holds.language, holds.digest_hour, holds.webhook_url) == ("en", 18, GOOD["webhook_url"])
    assert (holds.frequencies["job_ended", "mail"], holds.frequencies["waiting", "page"]) == ("daily", "never")
    assert holds.frequencies["waiting", "mail"] == "daily"  # not chosen: as ever
    page = browser.get("/messages/settings")
    assert page["Cache-Control"] == "no-store"
    assert '<option value="18" selected>18:00</option>' in page.content.decode()
    assert GOOD["webhook_url"] not in world.browser("beta").get("/messages/settings").content.decode()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("digest_hour", "24", "应是 0 至 23 的整点"), ("digest_hour", "８", "应是 0 至 23 的整点"),
        ("language", "fr", "只能是"), ("webhook_url", "ftp://x.example.cn/", "https://主机/路径"),
        ("webhook_url", "https://a:b@x.example.cn/", "不要写用户名和口令"),
        ("webhook_url", "x" * 501, "至多 500 个字符"),
        ("job_ended.page", "daily", "只能是 now、never"), ("job_ended.mail", "hourly", "只能是"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_kept(world: World, name: str, value: str, says: str) -> None:
    before = preferences_of([world.people["alpha"]])
    answer = world.browser("alpha").post("/messages/settings", {**GOOD, name: value})
    assert (answer.status_code, says in answer.content.decode()) == (422, True)
    assert preferences_of([world.people["alpha"]]) == before
    english = world.browser("alpha", "en").post("/messages/settings", {**GOOD, name: value}).content.decode()
    assert says not in english


def test_what_was_not_delivered_is_shown_with_its_reason_to_whom_it_was_for(world: World, settings: Any) -> None:
    Delivery.objects.create(
        person=world.people["alpha"], position=f"user:{world.alpha.pk}", channel="webhook", made_at=NOW, due_at=NOW,
        tries=6, failed_at=NOW, error="回答 503",
    )  # fmt: skip
    assert "回答 503" in world.browser("alpha").get("/messages/settings").content.decode()
    assert "answered 503" in world.browser("alpha", "en").get("/messages/settings").content.decode()
    assert "回答 503" not in world.browser("beta").get("/messages/settings").content.decode()
