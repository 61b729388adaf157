"""A day at each desk in a browser, in both languages: the engineer's, the city's, the province's, the auditor's.

The firm's owner has a journey of his own in firm/test_firm_browser.py. One server and one browser serve them all; what
the worker does, the test does as the worker would, while the page asks how far it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from support.browser import CHROMIUM, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]
BOTH = pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own, for the platform's key and the files of seals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr("huisuan.portal.budget.views.PARTIES", 200)
        yield


@pytest.fixture(autouse=True)
def committed(site: Site, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What a test does is committed, so that the server sees it; the end of the module empties the database."""
    with django_db_blocker.unblock():
        yield


def to(page: Page, route: str) -> None:
    """Go to a room by the menu."""
    page.locator(f'nav.rail a[href="{reverse(route)}"]').click()


@BOTH
def test_an_engineer_submits_finds_copies_and_cancels_a_job(site: Site, english: bool) -> None:
    page, name = site.page("beta", english=english), f"journey-{'en' if english else 'zh'}"
    page.goto(site.url)
    to(page, "jobs")
    page.locator(f'main a[href="{reverse("submit-job")}"]').first.click()
    page.locator('[name="name"]').fill(name)
    page.locator('[name="command"]').fill("python train.py --epochs 3")
    page.locator('button[name="send"]').click()
    page.wait_for_selector("#live")
    assert name in page.inner_text("h1")
    to(page, "jobs")
    page.locator("input[type=search]").fill(name)
    page.wait_for_url(f"**q={name}*")
    page.wait_for_function("document.querySelectorAll('tbody tr').length === 1")
    page.locator("tbody a", has_text=name).click()
    page.wait_for_selector("#live")
    page.locator('form[action$="/again"] button, a[href*="again="]').first.click()
    page.goto(f"{site.url}{reverse('jobs')}?q={name}&state=open")
    page.locator("tbody input[type=checkbox]").first.check()
    page.locator("form.actions button.danger").click()
    page.locator("main form button.danger").click()
    page.wait_for_selector('form[action$="/undo"]')
    page.context.close()


@BOTH
def test_an_official_of_a_city_goes_from_what_waits_to_an_amount_and_down_to_its_records(
    site: Site, english: bool
) -> None:
    page = site.page("city", english=english)
    page.goto(site.url)
    to(page, "todo")
    expect(page.locator("tbody tr").first).to_be_attached()
    page.locator("tbody a").first.click()
    page.wait_for_load_state()
    expect(page.locator("main h1")).to_have_count(1)
    to(page, "entitlements")
    page.locator("tbody a").first.click()
    page.locator(".tree summary").first.click()
    page.wait_for_selector(".tree ul details")
    page.locator(".tree ul summary").first.click()
    page.wait_for_selector(".tree ul ul details")
    to(page, "parties")
    page.locator("tbody a").first.click()
    expect(page.locator("dl.facts").first).to_be_attached()
    page.context.close()


@BOTH
def test_the_province_proposes_compares_in_the_background_and_supposes_a_budget(site: Site, english: bool) -> None:
    from huisuan.settlement.impact.requests import run_comparison_request
    from huisuan.settlement.models import ComparisonRequest, ScenarioRequest
    from huisuan.settlement.scenarios.requests import run_budget_request

    page = site.page("province", english=english)
    page.goto(f"{site.url}{reverse('propose-settings', args=['anhui-agi-2023'])}")
    page.locator('[name="set:2.2.rate"]').fill("12%" if english else "11%")
    page.locator('[name="document"]').fill("1 号")
    page.locator('[name="valid_from"]').fill("2024-01-01")
    page.locator("main form button.main").click()
    page.wait_for_url("**/proposals/*")
    page.locator('form[action$="/compare"] button').click()
    page.wait_for_selector("#work[hx-trigger]")
    progress = page.url
    page.goto(site.url)  # one may leave
    run_comparison_request(ComparisonRequest.objects.latest("pk").pk, timezone.now())
    page.goto(progress)
    page.locator("#work a.button.main").click()
    page.wait_for_url("**/proposals/*year=2024")
    expect(page.locator("table.cards tfoot").first).to_be_attached()
    page.goto(f"{site.url}{reverse('budget')}?year=2024&s.2.2.rate={13 if english else 14}%25")
    page.wait_for_selector("#work[hx-trigger]")
    run_budget_request(ScenarioRequest.objects.latest("pk").pk, timezone.now())
    page.wait_for_selector("figure.chart")  # who looks on is led to the figures
    page.context.close()


@BOTH
def test_the_auditor_draws_a_sample_and_checks_it_without_the_platform(site: Site, english: bool) -> None:
    from huisuan.base.months import Month
    from huisuan.compute.keys import platform_key
    from huisuan.compute.metering.audit.sample import check_sample
    from huisuan.compute.metering.seals.seal_month import seal_month
    from huisuan.compute.models import Seal
    from support.portal import NOW

    if not Seal.objects.exists():
        seal_month("hf", Month(2024, 1), by="王", now=NOW, despite="历史记录")
    page = site.page("auditor", english=english)
    page.goto(site.url)
    to(page, "audit-sample")
    page.locator('[name="lot"]').fill("2024037")
    page.locator('[name="size"]').fill("5")
    page.locator("form.tools button").click()
    expect(page.locator("main table").last.locator("tbody tr")).to_have_count(5)
    with page.expect_download() as download:
        page.locator("a[download]", has_text="JSON").first.click()
    assert check_sample(json.loads(Path(download.value.path()).read_text()), platform_key.public()) == []
    page.locator("main table").last.locator("tbody a").first.click()
    page.wait_for_url("**/usage/hf/*")
    page.context.close()
