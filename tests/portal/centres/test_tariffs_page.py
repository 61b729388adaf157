"""A centre's people enter new prices on a page that first says who pays what, and find every change afterwards."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.centre_desk.tariff_preview import preview_tariffs
from huisuan.compute.centres.tariffs import TariffPlan
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.models import Accelerator, Centre, Tariff, TariffChange
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.portal import CARD, HEADER, World, line

pytestmark = pytest.mark.django_db
ADDRESS = "/centres/hf/tariffs"


def recent_use(world: World) -> None:
    """Ten days ago: alpha held 4 cards for 10 hours, beta 2 for 5, nobody 1 for 1."""
    day = f"{timezone.localtime() - timedelta(days=10):%Y-%m-%d}T00:00:00"
    lines = [line(900, "alpha", day, 10, 4), line(901, "beta", day, 5, 2), line(902, "nobody", day, 1, 1)]
    content = "\n".join([HEADER, *lines, ""]).encode()
    assert import_usage("hf", UsageFile(content, "recent.txt", "sacct"), timezone.now()).new == 3


def form(price: str = "15.00", first: date | None = None, **rest: str) -> dict[str, str]:
    card = Accelerator.objects.get(model=CARD).pk
    first = first or timezone.localdate() + timedelta(days=5)
    return {f"price-{card}": price, "first": f"{first}", "replace": "yes", "months": "1"} | rest


def cells(shown: str, heading: str) -> list[list[str]]:
    """The rows of the first table after a heading."""
    body = shown[shown.index(heading) :]
    rows = re.findall(r"<tr>(.*?)</tr>", body[body.index("<tbody>") : body.index("</tbody>")], re.S)
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


def test_new_prices_are_previewed_by_firm_and_model_and_stand_only_once_confirmed(world: World) -> None:
    recent_use(world)
    browser = world.browser("centre")
    shown = browser.post(ADDRESS, form()).content.decode()
    assert cells(shown, "预览：谁付多少") == [
        ["=阿尔法智能有限公司", CARD, "40.00", "480.40", "600.00", "119.60"],
        ["贝塔大学", CARD, "10.00", "120.10", "150.00", "29.90"],
    ]
    assert not Tariff.objects.filter(fen_per_card_hour=1500).exists()
    seen = re.search(r'name="seen" value="(\w+)"', shown)
    assert seen is not None
    assert browser.post(ADDRESS, form(confirm="yes", seen=seen[1])).status_code == 302
    made = Tariff.objects.get(fen_per_card_hour=1500)
    before = Tariff.objects.get(centre=made.centre, accelerator=made.accelerator, fen_per_card_hour=1201)
    assert (made.valid_to, before.valid_to) == (None, made.valid_from)
    steps = TariffChange.objects.filter(by="centre").order_by("id")
    assert [(step.step, step.fen_per_card_hour) for step in steps] == [("ended", 1201), ("set", 1500)]
    after = browser.get(ADDRESS).content.decode()
    assert "15.00" in after
    assert after.count("<td") > 10
    assert "Take the place of the prices that stand" in world.browser("province", "en").get(ADDRESS).content.decode()


def test_what_was_changed_after_the_preview_is_previewed_again(world: World) -> None:
    browser = world.browser("centre")
    shown = browser.post(ADDRESS, form()).content.decode()
    seen = re.search(r'name="seen" value="(\w+)"', shown)
    assert seen is not None
    answer = browser.post(ADDRESS, form("16.00", confirm="yes", seen=seen[1]))
    assert answer.status_code == 422
    assert "请再预览一次" in answer.content.decode()
    assert not Tariff.objects.filter(fen_per_card_hour__in=[1500, 1600]).exists()


def test_prices_from_a_day_that_is_past_say_whose_bills_change(world: World) -> None:
    recent_use(world)
    first = timezone.localdate() - timedelta(days=20)
    shown = world.browser("province").post(ADDRESS, form(first=first)).content.decode()
    assert "账单在下次结算时会变" in shown
    rows = cells(shown, "账单在下次结算时会变")
    assert rows[0] == ["=阿尔法智能有限公司", CARD, "40.00", "480.40", "600.00", "119.60"]
    later = TariffPlan({CARD: "1500"}, timezone.localdate() + timedelta(days=400), replace=True)
    assert preview_tariffs("hf", later, 1, timezone.now()).past == []


def test_jobs_at_the_centre_that_may_meet_the_new_price_are_named(world: World) -> None:
    Voice(Centre.objects.get(code="hf")).says(timezone.now())
    viewer = Viewer(role="user", name="alpha", party_id=world.alpha.pk)
    asked = JobRequest(command=["true"], name="碰上新价", time_limit_seconds=36_000)
    submit_job(asked, viewer, timezone.now(), b"\x31" * 10)
    slot = Accelerator.objects.get(model="CPU-SLOT").pk
    given = form("", first=timezone.localdate()) | {f"price-{slot}": "0.50"}
    shown = world.browser("centre").post(ADDRESS, given).content.decode()
    found = {row[0]: row[-2:] for row in cells(shown, "现在在中心的平台作业")}
    assert found["碰上新价"] == ["—", "5.00"]  # a card for ten hours


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"price": "-5"}, "不是以元计的价格"), ({"price": "12.805"}, "至多两位小数"), ({"price": "1e9"}, "不是以元计"),
        ({"price": ""}, "没有填写新价"), ({"price": "100000.01"}, "请核对"), ({"replace": ""}, ""),
        ({"first": "<b>gestern"}, "写法不对"), ({"first": "0001-01-01"}, "请核对年份"),
        ({"last": "1999-12-31"}, "请核对年份"), ({"last": "2024-07-01"}, "不晚于"),
    ],
)  # fmt: skip
def test_rubbish_is_refused_in_words_and_what_was_typed_stays(world: World, wrong: dict[str, str], said: str) -> None:
    given = form(wrong.get("price", "15.00")) | {key: value for key, value in wrong.items() if key != "price"}
    if wrong == {"replace": ""}:
        del given["replace"]
        said = "重叠"
    answer = world.browser("centre").post(ADDRESS, given)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert said in shown
    assert "<b>gestern" not in shown
    assert f'value="{given["months"]}" selected' in shown


def test_a_city_reads_prices_and_sets_none_and_another_centre_is_not_there(world: World) -> None:
    assert "预览谁付多少" not in world.browser("city").get(ADDRESS).content.decode()
    assert world.browser("city").post(ADDRESS, form()).status_code == 403
    assert world.browser("centre").get(reverse("centre-tariffs", args=["wh"])).status_code == 404
    assert world.browser("alpha").get(ADDRESS).status_code == 403
