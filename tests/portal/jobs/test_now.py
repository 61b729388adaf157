"""What is there now, for everybody: waits by size, the net price of whoever asks, the cheapest and the soonest."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.base.errors import InvalidRequest
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobs.availability import availability
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Centre, MaintenanceWindow
from huisuan.parties.viewer import Viewer
from huisuan.protocol.placement import Availability, PoolNow
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.portal import World

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)  # the law holds until the end of the year


@pytest.fixture
def two_places(world: World) -> World:
    """Of hf's four slots the world's jobs hold two; wh-2 has four free ones, at twice the price."""
    operator = Centre.objects.get(code="wh").operator
    plan = CentrePlan(
        name="二号", operator=operator.uscc, region="340600", engine="local", partitions=("cpu=CPU-SLOT:1x4",)
    )
    second = add_centre("wh-2", plan)
    set_tariff("hf", "CPU-SLOT", "360", date(2024, 1, 1))
    set_tariff("wh-2", "CPU-SLOT", "720", date(2024, 1, 1))
    Voice(Centre.objects.get(code="hf")).says(NOW)
    Voice(second, name="22222222-2222-3333-4444-555555555555").says(NOW)
    return world


def seen(world: World, who: str = "alpha", **asked: int | str) -> Availability:
    viewer = Viewer.for_person(world.people[who])
    return availability(viewer, NOW, **asked)  # type: ignore[arg-type]


def at(found: Availability, centre: str) -> PoolNow:
    return next(pool for pool in found.pools if pool.centre == centre)


def test_a_user_sees_free_cards_queues_and_the_price_that_is_left_after_the_subsidy(two_places: World) -> None:
    pool = at(seen(two_places), "hf")
    assert (pool.free, pool.cards, pool.queued_jobs) == (2, 4, 2)
    assert (pool.fen_per_card_hour, pool.net_fen_per_card_hour) == (360, "288")
    assert at(seen(two_places, "auditor"), "hf").net_fen_per_card_hour is None


def test_nothing_comes_back_at_ones_own_centre(two_places: World) -> None:
    assert at(seen(two_places), "wh-2").net_fen_per_card_hour == "720"  # alpha controls its operator
    assert at(seen(two_places, "beta"), "wh-2").net_fen_per_card_hour == "576"


def test_the_cheapest_begins_within_the_hour_and_the_soonest_begins_first(two_places: World) -> None:
    small, large = seen(two_places, cards=2), seen(two_places, cards=3)
    assert (small.cheapest, small.soonest) == (["hf", "CPU-SLOT"], ["hf", "CPU-SLOT"])
    assert large.soonest == ["wh-2", "CPU-SLOT"]
    assert at(large, "hf").wait_seconds["3"] == 3600  # until the jobs there reach their limit
    never = seen(two_places, cards=5)
    assert (never.cheapest, never.soonest) == (None, None)
    assert at(never, "hf").wait_seconds["5"] is None


def test_who_waits_for_such_cards_is_counted(two_places: World) -> None:
    viewer = Viewer.for_person(two_places.people["alpha"])
    for number in range(3):
        asked = JobRequest(command=["true"], name="大", cards=4, models=["CPU-SLOT"], centre="hf")
        submit_job(asked, viewer, NOW, (900 + number).to_bytes(10))
    found = seen(two_places)
    assert (at(found, "hf").waiting_jobs, at(found, "wh-2").waiting_jobs) == (3, 0)
    assert (found.waiting_jobs, found.waiting_cards) == (3, 12)


def test_a_centre_that_is_silent_has_nothing_now(two_places: World) -> None:
    viewer = Viewer.for_person(two_places.people["alpha"])
    pool = at(availability(viewer, NOW + timedelta(days=1)), "hf")
    assert (pool.online, pool.wait_seconds["1"]) == (False, None)


@pytest.mark.parametrize(("cards", "hours"), [(0, 1), (-1, 1), (10**7, 1), (1, 0), (1, 721)])
def test_sizes_that_are_none_are_refused(two_places: World, cards: int, hours: int) -> None:
    with pytest.raises(InvalidRequest):
        seen(two_places, cards=cards, hours=hours)


def test_the_page_opens_to_every_role_and_says_what_it_could_not_read(two_places: World) -> None:
    for who in ("alpha", "centre", "city", "province", "auditor"):
        assert two_places.browser(who).get(reverse("now")).status_code == 200
    page = two_places.browser("alpha").get(reverse("now"), {"cards": "x", "model": "nothing", "hours": "²"})
    for wrong in ("cards=x", "model=nothing", "hours=²"):
        assert f"<code>{wrong}</code>" in page.content.decode()
    assert "<code>cards=0</code>" in two_places.browser("alpha").get(reverse("now"), {"cards": "0"}).content.decode()


def test_it_asks_no_more_questions_for_more_pools(two_places: World) -> None:
    viewer = Viewer.for_person(two_places.people["alpha"])
    with CaptureQueriesContext(connection) as few:
        availability(viewer, NOW)
    for number in range(3, 7):
        operator = Centre.objects.get(code="wh").operator.uscc
        plan = CentrePlan("又一处", operator, "340200", engine="local", partitions=("cpu=CPU-SLOT:1x4",))
        add_centre(f"wh-{number}", plan)
    with CaptureQueriesContext(connection) as many:
        availability(viewer, NOW)
    assert len(many) == len(few)


def test_maintenance_windows_that_are_not_over_are_shown(two_places: World) -> None:
    hf = Centre.objects.get(code="hf")
    plain = {"centre": hf, "reason": "换电源", "declared_by": "x", "declared_at": NOW}
    for days in (-2, 20):
        begins = NOW + timedelta(days=days)
        MaintenanceWindow.objects.create(starts_at=begins, ends_at=begins + timedelta(hours=4), **plain)
    assert [window.starts_at for window in seen(two_places).windows] == [NOW + timedelta(days=20)]


def test_the_api_gives_the_same(two_places: World) -> None:
    browser: Client = two_places.browser("alpha")
    answer = browser.get("/api/v1/now", {"cards": "2", "hours": "3"})
    assert answer.status_code == 200
    assert {pool["centre"] for pool in json.loads(answer.content)["pools"]} == {"hf", "wh-2"}
    assert browser.get("/api/v1/now", {"cards": "0"}).json()["code"] == "now.cards_out_of_bounds"
