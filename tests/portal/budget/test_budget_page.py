"""The budget page: an address is a scenario, its figures are the law's, and it says that the sample is no claim."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.base.db.background_work import WORK_UNDER_WAY, WorkState
from huisuan.law.budget.compute import SampleClaims, compute_budget
from huisuan.law.budget.model import Budget
from huisuan.law.budget.synthetic_claims import Sample
from huisuan.law.policy.amended_figures import FigureKind, parse_amendment
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.scenario import Scenario, apply_scenario
from huisuan.portal.ui import number_format
from huisuan.settlement.models import ScenarioRequest
from huisuan.settlement.scenarios import requests
from huisuan.settlement.scenarios.requests import run_budget_request
from support.portal import World

pytestmark = pytest.mark.django_db
PARTIES = 2_000  # as large a sample as the figures need
POLICY = load_policy("anhui-agi-2023")
FIFTEEN = {"s.2.2.rate": "15%", "caps.8.2": "50%"}


def page(world: World, language: str = "zh-hans", who: str = "province", **query: str) -> Any:
    """The page for a scenario of 2024, once the worker has computed it."""
    asked = {"policy": POLICY.name, "year": "2024", **query}
    browser, address = world.browser(who, language), f"{reverse('budget')}?{urlencode(asked)}"
    answer = browser.get(address)
    for waiting in ScenarioRequest.objects.filter(state__in=WORK_UNDER_WAY):
        run_budget_request(waiting.pk, timezone.now())
        answer = browser.get(address)
    return answer


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huisuan.portal.budget.views.PARTIES", PARTIES)
        yield


@pytest.fixture(scope="module")
def expected() -> Budget:
    """What the law says of 15% and half the cap of 8.2."""
    caps = parse_amendment(POLICY, FigureKind.CAP, "8.2", "50%")
    after = apply_scenario(POLICY, Scenario("15%", {"2.2.rate": Fraction(3, 20)}, caps))
    sample = SampleClaims(Sample(PARTIES, 1))
    return compute_budget(POLICY, after, sample, on=date(2024, 12, 31), as_known=timezone.localdate())


def test_the_address_is_the_scenario_and_the_figures_are_the_laws(world: World, expected: Budget) -> None:
    shown = page(world, **FIFTEEN).content.decode()
    assert number_format.yuan(expected.total.before_fen) in shown
    assert number_format.yuan(expected.total.after_fen) in shown
    assert number_format.yuan(expected.total.difference_fen) in shown
    assert 'name="s.2.2.rate" value="15%"' in shown
    assert "10,000,000.00 元 → 5,000,000.00 元" in shown


def test_it_says_that_a_sample_is_no_claim_and_that_the_law_is_unchanged(world: World) -> None:
    shown = page(world, **FIFTEEN).content.decode()
    assert "推演样本（随机生成，2,000 个主体，种子 1），不是实际申报" in shown
    assert "<b>假设：法律未改</b>" in shown
    assert "<b>假设：法律未改</b>" not in page(world).content.decode()


@pytest.mark.parametrize(("key", "typed"), [("policy", "anhui-2099"), ("year", "soon"), ("seed", "-1")])
def test_what_an_address_cannot_mean_is_named_and_nothing_else_is_computed_instead(
    world: World, key: str, typed: str
) -> None:
    for language, said in (("zh-hans", "请"), ("en", ":")):
        answer = page(world, language, **{key: typed})
        assert answer.status_code == 422
        (unusable,) = answer.context["unusable"]
        assert unusable.count(typed) == 1
        assert said in unusable
        assert "done" not in answer.context


def test_a_figure_that_is_too_long_is_refused_with_its_field_and_not_read_by_its_beginning(world: World) -> None:
    answer = page(world, **{"s.2.2.rate": "10%" + " " * 2000 + "x"})
    assert answer.status_code == 422
    assert answer.context["unusable"] == ["s.2.2.rate 超过 2000 个字：请改短"]


def test_every_setting_question_and_figure_can_be_supposed(world: World) -> None:
    shown = page(world).content.decode()
    names = {f"s.{name}" for name in POLICY.setting_specs()} | {f"i.{name}" for name in POLICY.interpretation_specs()}
    assert names - set(re.findall(r'name="([^"]+)"', shown)) == set()
    assert {"caps.8.2", "caps.6.2", "rates.1.2"} <= set(re.findall(r'name="([^"]+)"', shown))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"s.2.2.rate": "25%"}, "25% 超过法定上限 20%"),
        ({"s.14.1.national": "很多"}, "“很多”不是金额"),
        ({"caps.8.2": "x"}, "“x”不是金额"),
        ({"rates.1.2": "150%"}, "“150%”超过 100%"),
        ({"i.0.2.cap": "sideways"}, "没有选项 sideways"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field_and_nothing_is_computed(
    query: dict[str, str], message: str, world: World
) -> None:
    answer = page(world, **query)
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert "不是实际申报" not in answer.content.decode()


def test_money_is_typed_in_yuan_or_in_words(world: World) -> None:
    plain = page(world, **{"s.14.1.national": "400,000"}).content.decode()
    words = page(world, **{"s.14.1.national": "40万元"}).content.decode()
    sums = re.compile(r"<dt>情景</dt><dd>([\d,.]+)")
    assert sums.findall(plain) == sums.findall(words) != sums.findall(page(world).content.decode())


def test_a_year_without_a_day_in_force_says_so(world: World) -> None:
    answer = page(world, year="2026")
    assert answer.status_code == 200
    assert "2026 年没有一天在有效期内" in answer.content.decode()


def test_the_same_figures_come_as_csv_and_as_xlsx(world: World, expected: Budget) -> None:
    written = page(world, export="csv", **FIFTEEN).content.decode("utf-8-sig")
    table: list[list[str]] = list(csv.reader(io.StringIO(written)))
    assert table[0] == ["按条款"]
    total = next(row for row in table if row[:2] == ["", "合计"])
    assert total[6] == f"{expected.total.after_fen // 100}.{expected.total.after_fen % 100:02d}"
    book: Any = openpyxl.load_workbook(io.BytesIO(page(world, export="xlsx", **FIFTEEN).content))
    assert book.sheetnames[:3] == ["按条款", "按市", "按类别"]
    last = [cell.value for cell in list(book["按条款"].rows)[-1]]
    assert round(last[6] * 100) == expected.total.after_fen


def test_in_english_only_the_law_and_names_stay_chinese(world: World) -> None:
    shown = page(world, "en", **FIFTEEN).content.decode().replace("中文", "")
    shown = re.sub(r'<(\w+)[^>]* lang="zh-hans"[^>]*>.*?</\1>', "", shown, flags=re.S)
    shown = shown.replace(world.people["province"].name, "")
    found = re.search(r".{60}[\u4e00-\u9fff].{60}", shown, flags=re.S)
    assert found is None, found


@pytest.mark.parametrize(("who", "status"), [("alpha", 403), ("province", 200)])
def test_it_is_for_the_province_and_auditors(who: str, status: int, world: World) -> None:
    assert page(world, who=who).status_code == status


def test_a_new_scenario_is_the_workers_and_its_page_says_how_far_it_is_until_somebody_cancels_it(world: World) -> None:
    browser, asked = world.browser("province"), f"{reverse('budget')}?{urlencode({'year': '2024', 'seed': '7'})}"
    waiting = browser.get(asked).content.decode()
    work = ScenarioRequest.objects.get()
    shown_at = reverse("budget-request", args=[work.pk])
    assert f'hx-get="{shown_at}"' in waiting
    assert "排队中" in waiting
    browser.get(asked)
    assert ScenarioRequest.objects.count() == 1  # asked once, however often it is looked at
    browser.post(reverse("cancel-budget", args=[work.pk]))
    cancelled = browser.get(asked).content.decode()
    assert "已取消" in cancelled
    assert reverse("budget-again", args=[work.pk]) in cancelled
    again = browser.post(reverse("budget-again", args=[work.pk]))
    assert again.url == asked  # type: ignore[attr-defined]
    run_budget_request(ScenarioRequest.objects.latest("pk").pk, timezone.now())
    assert "现行" in browser.get(asked).content.decode()
    live = world.browser("auditor").get(
        reverse("budget-request", args=[ScenarioRequest.objects.latest("pk").pk]), headers={"HX-Request": "true"}
    )
    assert live["HX-Redirect"] == asked


def test_what_the_worker_keeps_is_the_budget_that_was_computed(world: World, expected: Budget) -> None:
    page(world, **FIFTEEN)
    kept = requests.budget_of_request(ScenarioRequest.objects.get(), POLICY)
    assert kept == expected
    assert kept.to_dict() == expected.to_dict()


def test_a_budget_asked_for_under_another_law_is_refused_and_names_the_remedy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.browser("province").get(f"{reverse('budget')}?year=2024")
    ScenarioRequest.objects.update(key="0" * 64)
    work = ScenarioRequest.objects.get()
    run_budget_request(work.pk, timezone.now())
    work.refresh_from_db()
    assert work.state == WorkState.FAILED
    assert "请重新推演" in work.reason
    monkeypatch.setattr(requests, "MOST_WAITING", 0)
    assert "个推演在等后台计算" in world.browser("province").get(f"{reverse('budget')}?seed=3").content.decode()
