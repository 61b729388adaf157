"""The province's compute on one page: cities where they stand, what is registered, seen and in use, what waits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals
from huisuan.compute.models import Accelerator, Centre, CentreNode
from huisuan.documents.tile_map import TILES
from huisuan.parties.models import Region
from support.portal import CARD, World

pytestmark = pytest.mark.django_db


def page(world: World, who: str = "province", language: str = "zh-hans") -> str:
    """The page as someone sees it."""
    return world.browser(who, language).get(reverse("compute")).content.decode()


def tile(shown: str, city: str) -> str:
    """One city's square."""
    found = re.search(rf'<a role="listitem"[^>]*><span class="city">{city}</span>.*?</a>', shown, re.S)
    assert found is not None
    return found[0]


def see(name: str, used: int, *, minutes: int = 0, centre: str = "hf") -> None:
    """A node of eight cards, seen so many minutes ago in two partitions."""
    for partition in ("gpu", "debug"):
        CentreNode.objects.create(
            centre=Centre.objects.get(code=centre), name=name, partition=partition, local_card="a800", cards=8,
            used=used, accelerator=Accelerator.objects.get(model=CARD), state="up",
            seen_at=timezone.now() - timedelta(minutes=minutes),
        )  # fmt: skip


def test_every_city_of_anhui_has_a_square_of_its_own() -> None:
    assert set(TILES) == set(
        Region.objects.filter(code__startswith="34").exclude(code="340000").values_list("code", flat=True)
    )
    assert len(set(TILES.values())) == len(TILES)


def test_a_city_shows_its_size_and_what_of_it_is_in_use_and_leads_to_its_centres(world: World) -> None:
    see("gpu01", 8)
    see("gpu02", 2)
    hefei = tile(page(world), "合肥市")
    assert "用 62.5%" in hefei  # 10 of 16 cards: a node in two partitions counts once
    assert f'href="{reverse("centres")}?city=340100"' in hefei
    assert "没有中心" in tile(page(world), "黄山市")


def test_nodes_not_seen_lately_say_nothing_of_now(world: World) -> None:
    see("gpu01", 8, minutes=30)
    assert "未见节点" in tile(page(world), "合肥市")


def test_work_that_waits_shows_in_the_city_of_who_asked(world: World) -> None:
    shown = page(world)
    assert "1 个作业在等" in tile(shown, "合肥市")
    assert "1 个作业在等" in tile(shown, "芜湖市")


def test_a_city_sees_its_own_centres_and_waiting_work_only(world: World) -> None:
    see("w1", 4, centre="wh")
    shown = page(world, "city")
    assert "没有中心" in tile(shown, "芜湖市")
    assert "个作业在等" not in tile(shown, "芜湖市")
    assert "芜湖市智算中心" not in shown


def test_the_list_of_centres_can_be_narrowed_to_a_city(world: World) -> None:
    shown = world.browser("province").get(reverse("centres"), {"city": "340200"}).content.decode()
    assert "芜湖市智算中心" in shown
    assert "合肥市智算中心" not in shown


def past(world: World, query: str = "", **headers: str) -> str:
    """The page, or the part of it, that shows a month that is over."""
    update_all_daily_totals()
    return world.browser("province").get(f"{reverse('compute')}{query}", headers=headers).content.decode()


def test_the_map_goes_back_month_by_month_by_slider_and_by_links(world: World) -> None:
    shown = past(world, "?month=2024-05")
    assert 'value="24292"' in shown  # 2024 * 12 + 4
    for text in ('aria-valuetext="2024-05"', 'href="?month=2024-04#history"', 'href="?month=2024-06#history"'):
        assert text in shown
    assert past(world, "?month=24292").count('aria-valuetext="2024-05"') == 1
    assert "month=1999-01" in past(world, "?month=1999-01")
    assert "month=x" in past(world, "?month=x")


def test_a_moved_slider_brings_the_month_alone_with_its_use(world: World) -> None:
    part = past(world, "?month=2024-06", **{"HX-Request": "true", "HX-Target": "history"})
    assert "<html" not in part
    city = re.search(r"芜湖市</td><td[^>]*>([\d.,]+)</td>", part)
    assert city is not None
    assert city[1] == "32.00"  # four hours of eight cards at Wuhu


def test_a_city_sees_the_past_of_its_own_centres_only(world: World) -> None:
    update_all_daily_totals()
    shown = world.browser("city").get(f"{reverse('compute')}?month=2024-06").content.decode()
    city = re.search(r"芜湖市</td><td[^>]*>([\d.,]+)</td>", shown)
    assert city is not None
    assert city[1] == "0.00"
