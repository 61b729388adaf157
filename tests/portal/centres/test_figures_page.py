"""A centre's year in figures: exact sums out of the kept days, of the year that is chosen."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from huisuan.base.money import round_half_up
from huisuan.compute.centre_desk.figures import centre_year
from huisuan.compute.metering.usage.daily_totals import update_daily_totals
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.models import Accelerator, CapacitySighting, Centre, Tariff
from huisuan.settlement.models import Bill
from support.portal import CARD, NOW, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def hf(world: World) -> Centre:
    centre = Centre.objects.get(code="hf")
    update_daily_totals(centre)
    return centre


def test_income_is_what_the_bills_come_to_and_use_is_what_the_records_sum_to(world: World, hf: Centre) -> None:
    found = centre_year(hf, 2024, NOW)
    bills = Bill.objects.filter(run=world.run, centre=hf)
    for month in found.months:
        billed = sum(bills.filter(month=month.month.first_day).values_list("amount_fen", flat=True))
        assert abs(month.income_fen - billed) <= 1  # a bill each rounds
    (whole,) = summarise_usage(["centre"], UsageFilter(centre="hf"))
    assert found.used == whole["card_seconds"]
    assert found.unclaimed == 5 * 2 * 3600
    assert [(each.party, each.card_seconds) for each in found.parties][1] == (world.beta, 10 * 8 * 3600)
    assert sum(each.card_seconds for each in found.parties) == found.used - found.unclaimed
    assert {each.user for each in found.users} == {"zhang"}


def test_utilisation_and_idle_cards_are_of_the_cards_seen_that_day_or_else_of_those_registered(hf: Centre) -> None:
    card = Accelerator.objects.get(model=CARD)
    CapacitySighting.objects.create(centre=hf, day=date(2024, 5, 2), accelerator=card, most=100, least_up=90)
    slot = Accelerator.objects.get(model="CPU-SLOT")
    CapacitySighting.objects.create(centre=hf, day=date(2024, 5, 2), accelerator=slot, most=999, least_up=9)
    may = centre_year(hf, 2024, NOW).months[4]
    assert may.there == (30 * 32 + 100) * 86_400
    assert may.idle == may.there - may.used > 0
    assert may.seen_p == Decimal("31.2")
    assert centre_year(hf, 2024, NOW).months[5].seen_p is None


def test_of_a_year_under_way_only_the_days_that_have_begun_count(hf: Centre) -> None:
    half = datetime(2024, 7, 1, 20, tzinfo=UTC)  # the second of July, early, at Shanghai
    found = centre_year(hf, 2024, half)
    assert found.days == 31 + 29 + 31 + 30 + 31 + 30 + 2
    assert [month.there for month in found.months[6:8]] == [2 * 32 * 86_400, 0]


def test_use_without_a_price_is_told_and_brings_nothing(hf: Centre) -> None:
    priced = centre_year(hf, 2024, NOW)
    Tariff.objects.filter(centre=hf, valid_from=date(2024, 7, 1)).delete()
    found = centre_year(hf, 2024, NOW)
    assert found.unpriced == 3 * 3600
    assert priced.income_fen - found.income_fen == round_half_up(3 * 1201)


def test_the_page_draws_the_chosen_year_in_both_languages_with_the_figures_behind(world: World, hf: Centre) -> None:
    shown = world.browser("centre").get("/centres/hf/figures").content.decode()
    found = centre_year(hf, 2024, NOW)
    assert "2024 年收入" in shown
    assert f"{found.income_fen // 100:,}" in shown
    assert shown.count('<figure class="chart">') == 6
    sizes = re.findall(r"<th[^>]*>同时用过（P）</th>.*?</table>", shown, re.S)
    assert "<td>5</td>" in sizes[0]
    assert "没有 1999 年的数据" in world.browser("centre").get("/centres/hf/figures?year=1999").content.decode()
    english = world.browser("auditor", "en").get("/centres/hf/figures").content.decode()
    assert "Income of 2024" in english
    assert world.browser("alpha").get("/centres/hf/figures").status_code == 403
    assert world.browser("centre").get("/centres/wh/figures").status_code == 404
