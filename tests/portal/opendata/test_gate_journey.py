"""A steward's way by the pages in a browser, from the upload to the release, by keyboard where it judges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from support.browser import CHROMIUM, Site
from support.catalogue import code
from support.gate import list_entry, resident_ids, scan_now, steward

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]
IDS = resident_ids(3)


@pytest.fixture
def stewards(
    site: Site,
    django_db_blocker: DjangoDbBlocker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """Three people of Hefei who are signed in, and an entry; the worker is called by hand."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    with django_db_blocker.unblock():
        list_entry()
        for name in ("chen", "qian", "sun"):
            site.world.people[name] = steward(name)
            site.sessions[name] = site.world.browser(name).cookies["sessionid"].value
        yield site


def test_three_stewards_bring_a_list_out_by_the_pages_and_the_keyboard(stewards: Site, tmp_path: Path) -> None:
    from huisuan.opendata.models import GateFile

    rows = "名称,证件号码,车位数\n" + "".join(f"{n}号停车场,{number},{n * n + 3}\n" for n, number in enumerate(IDS))
    list_file = tmp_path / "停车场.csv"
    list_file.write_text(rows, encoding="utf-8")
    page = stewards.page("chen")
    page.goto(f"{stewards.url}/opendata/")
    page.get_by_role("link", name="送交和判断").click()
    page.fill("input[name=entry]", code())
    page.set_input_files("input[type=file]", list_file)
    page.get_by_role("button", name="送交").click()
    expect(page.locator(".said")).to_contain_text("已送交并封存")
    address = page.url
    page.context.close()
    file = scan_now(GateFile.objects.get())

    page = stewards.page("qian")
    page.goto(address)
    assert not any(number in page.content() for number in IDS)
    _press_on_the_first_column(page)
    expect(page.locator(".said")).to_contain_text("已记下判断")
    page.get_by_role("button", name="重制").click()
    expect(page.locator(".said")).to_contain_text("已重制")
    page.context.close()
    scan_now(file)

    page = stewards.page("sun")
    page.goto(f"{stewards.url}/opendata/desk?mine=yes")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="放行").click()
    expect(page.locator(".head")).to_contain_text("已放行")
    page.context.close()

    page = stewards.page("")
    page.goto(f"{stewards.url}/opendata/{code()}")
    expect(page.locator("#preview")).to_contain_text("2号停车场")
    with page.expect_download() as loading:
        page.locator("#files a[download]").first.click()
    content = loading.value.path().read_text("utf-8")
    assert re.search(r"^0号停车场,[a-p]{26},3$", content, re.MULTILINE)
    page.context.close()


def _press_on_the_first_column(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("1")
