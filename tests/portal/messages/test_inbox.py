"""The inbox page: one's own messages, counted in the header, opened, marked read and taken back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from huisuan.messages.models import Message
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import people_of_firm
from support.portal import NOW, World

pytestmark = pytest.mark.django_db


def tell(world: World, count: int = 1, name: str = "train") -> None:
    to = (people_of_firm(world.alpha.pk),)
    notify_all([Notice("job_done", {"name": name}, to, f"job:{n}:ended", f"/jobs/{n}") for n in range(count)], NOW)


def test_the_header_counts_what_is_unread_and_stops_counting_at_99(world: World) -> None:
    assert 'class="count"' not in world.browser("alpha").get("/policies/").content.decode()
    tell(world, 3)
    assert "未读 </span>3</b>" in world.browser("alpha").get("/policies/").content.decode()
    assert 'class="count"' not in world.browser("beta").get("/policies/").content.decode()
    tell(world, 150)
    assert "99+</b>" in world.browser("alpha").get("/policies/").content.decode()


def test_a_page_asks_once_for_the_count_and_a_part_of_a_page_never(world: World) -> None:
    tell(world, 200)
    browser = world.browser("alpha")
    with CaptureQueriesContext(connection) as whole:
        browser.get("/messages/")
    with CaptureQueriesContext(connection) as part:
        browser.get("/messages/", headers={"HX-Request": "true", "HX-Target": "table-main"})
    counts = [[query for query in queries if "LIMIT 100" in query["sql"]] for queries in (whole, part)]
    assert [len(found) for found in counts] == [1, 0]


def test_each_reads_it_in_their_language_and_nobody_reads_anothers(world: World) -> None:
    tell(world)
    assert "作业 train 已完成" in world.browser("alpha").get("/messages/").content.decode()
    assert "Job train is done" in world.browser("alpha", "en").get("/messages/").content.decode()
    assert "train" not in world.browser("beta").get("/messages/").content.decode()
    number = Message.objects.get().pk
    assert world.browser("beta").get(f"/messages/{number}").status_code == 404
    assert Message.objects.get().read_at is None


def test_opening_one_marks_it_read_and_leads_to_the_thing(world: World) -> None:
    tell(world)
    answer = world.browser("alpha").get(f"/messages/{Message.objects.get().pk}")
    assert (answer.status_code, answer["Location"]) == (302, "/jobs/0")
    assert Message.objects.get().read_at is not None


def test_what_a_filter_leaves_is_marked_read_and_taken_back(world: World) -> None:
    tell(world, 2)
    notify_all([Notice("job_failed", {"name": "x"}, (people_of_firm(world.beta.pk),), "other")], NOW)
    browser = world.browser("alpha")
    browser.get(f"/messages/{Message.objects.filter(person__username='alpha').latest('id').pk}")
    assert browser.post("/messages/read?state=unread&kind=waiting").status_code == 302
    assert Message.objects.filter(read_at__isnull=False).count() == 1
    page = browser.post("/messages/read?state=unread", follow=True).content.decode()
    assert "刚才把 1 条标为已读。" in page
    assert Message.objects.filter(read_at__isnull=True).get().person.username == "beta"
    browser.post("/messages/unread")
    assert Message.objects.filter(read_at__isnull=True, person__username="alpha").count() == 1
    assert "刚才把" not in browser.get("/messages/").content.decode()


def test_a_filter_that_nobody_understands_marks_nothing(world: World) -> None:
    tell(world)
    world.browser("alpha").post("/messages/read?kind=rubbish")
    assert Message.objects.get().read_at is None


def test_who_has_moved_finds_nothing_of_before(world: World) -> None:
    tell(world)
    person = world.people["alpha"]
    person.party = world.beta
    person.save()
    try:
        page = world.browser("alpha").get("/messages/").content.decode()
        assert "train" not in page
        assert 'class="count"' not in page
    finally:
        person.party = world.alpha
        person.save()


def test_the_export_holds_what_is_filtered_and_no_formula(world: World) -> None:
    tell(world, name="=cmd()")
    text = world.browser("alpha").get("/messages/?export=csv").getvalue().decode()
    assert "作业 =cmd() 已完成" in text
    assert "2025-02-03T12:00:00+08:00" in text
