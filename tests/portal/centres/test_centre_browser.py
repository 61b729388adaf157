"""A day of a centre's operator in a browser: a file imported, an account mapped, prices set, months checked."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from support.browser import CHROMIUM, Site
from support.portal import HEADER, line

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def seen(page: Page, name: str) -> None:
    """No wider than its window, at both widths; a picture, where somebody wants to look."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        if folder := os.environ.get("HUISUAN_PICTURES"):
            page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def worker_does(page: Page) -> None:
    """What the background worker does with the import whose page is open: outside of the transaction of the test."""
    from huisuan.compute.metering.imports.requests import run_import

    def work(number: int) -> None:
        run_import(number, timezone.now)
        connection.close()

    worker = threading.Thread(target=work, args=[int(page.url.rsplit("/", 1)[1])])
    worker.start()
    worker.join(60)


@pytest.mark.parametrize("english", [False, True], ids=["zh", "en"])
def test_an_operator_imports_maps_prices_and_looks_before_a_seal(site: Site, english: bool, tmp_path: Path) -> None:
    language = "en" if english else "zh"
    desk = site.page("centre", english=english)
    desk.goto(f"{site.url}/")  # a centre with one place is at home there
    desk.locator('nav.within a[href$="/imports"]').first.click()
    day = f"{timezone.localtime() - timedelta(days=9 if english else 8):%Y-%m-%d}T00:00:00"
    bad = line(951, "alpha", day, 1, 1).replace("COMPLETED", "SLEEPING")
    lines = [line(950 + english * 10, "alpha", day, 10, 4), bad, line(952 + english * 10, f"lab-{language}", day, 2, 2)]
    file = tmp_path / "week.txt"
    file.write_text("\n".join([HEADER, *lines, ""]))
    desk.locator('input[name="file"]').set_input_files(file)
    desk.locator('input[name="dry_run"]').check()
    seen(desk, f"imports-{language}")
    desk.locator("form.proposal button.main").click()
    desk.wait_for_url("**/imports/*")
    worker_does(desk)
    desk.locator('form[action$="/confirm"] button').click()  # the page asked by itself, and shows the report
    expect(desk.locator('form[action$="/confirm"]')).to_have_count(0)
    worker_does(desk)
    desk.locator("#report").wait_for()
    expect(desk.locator("#report")).to_contain_text("SLEEPING", use_inner_text=True)
    seen(desk, f"report-{language}")

    desk.locator('#report a[href$="/unclaimed"]').click()
    row = desk.locator("tr", has_text=f"lab-{language}")
    row.locator('input[name="other"]').fill(site.world.beta.uscc)
    row.locator("button").click()
    expect(row.locator('input[name="other"]')).to_have_count(0)
    expect(desk.locator("tr", has_text=f"lab-{language}")).to_have_count(1)  # among those mapped
    seen(desk, f"unclaimed-{language}")

    desk.locator('nav.within a[href$="/tariffs"]').click()
    price = desk.locator('input[name^="price-"]').first
    price.fill("15.00" if english else "14.00")
    desk.locator('input[name="first"]').fill(f"{timezone.localdate() + timedelta(days=40 if english else 30)}")
    desk.locator("#new button.main").click()
    expect(desk.locator("#preview")).to_contain_text("Alpha" if english else "阿尔法", use_inner_text=True)
    seen(desk, f"tariffs-{language}")
    desk.locator('button[name="confirm"]').click()
    expect(desk.locator("#tariffs")).to_contain_text("15.00" if english else "14.00", use_inner_text=True)

    desk.locator('nav.within a[href$="/figures"]').click()
    expect(desk.locator("figure.chart")).to_have_count(6)
    seen(desk, f"figures-{language}")
    desk.locator('nav.within a[href$="/checklist"]').click()
    expect(desk.locator("#checklist li").nth(5)).to_be_attached()
    seen(desk, f"checklist-{language}")
    desk.locator("nav.within a").first.click()
    expect(desk.locator('form[action$="/agents/invite"]')).to_have_count(1)
    seen(desk, f"centre-{language}")
