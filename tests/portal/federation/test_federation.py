"""The province's compute on one page: cities where they stand, what is registered, seen and in use, what waits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.models import Accelerator, Centre, CentreNode
from huisuan.parties.models import Region
from huisuan.portal.federation.tile_map import TILES
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
