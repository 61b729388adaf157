"""A claim is filled in with a real browser: with a mouse on a desk, on a phone, by keyboard, and without script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from huisuan.programmes.applications import evidence_store
from support.browser import CHROMIUM, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one"),
]
PDF = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
    b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n"
)


@pytest.fixture(autouse=True)
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of evidence lie in a folder of the test's own."""
    monkeypatch.setattr(evidence_store, "home", lambda: tmp_path)


def opened(site: Site, width: int = 1280, key: str = "2.2", who: str = "alpha", *, script: bool = True) -> Page:
    """A new form."""
    page = site.page(who, width, java_script_enabled=script)
    page.goto(site.url + reverse("new-draft", args=["anhui-agi-2023", key]))
    return page


@pytest.mark.parametrize("width", [1280, 390])
def test_a_claim_is_filled_in_answered_at_once_proved_and_kept(site: Site, width: int, tmp_path: Path) -> None:
    paper = tmp_path / "账单 2024.pdf"
    paper.write_bytes(PDF)
    page = opened(site, width)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.fill("[name=label]", "训练一期")
    page.fill("[name=fact-spend]", "1,534,567.85")
    page.fill("[name=fact-self_use]", "三十万")
    page.wait_for_selector("#answer .wrongly")
    expect(page.locator("#says-self_use")).to_contain_text("以元计的金额", use_inner_text=True)
    expect(page.locator("#says-spend")).to_have_text("＝ 1,534,567.85 元", use_inner_text=True)
    page.fill("[name=fact-self_use]", "300000")
    page.wait_for_selector("#answer >> text=246,913.57")
    page.set_input_files("[name=file-spend]", paper)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.click("button.main")
    page.wait_for_url("**/drafts/*")
    page.wait_for_selector("text=账单 2024.pdf")
    expect(page.locator("[name=fact-spend]")).to_have_value("1,534,567.85")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    with page.expect_download() as coming:
        page.click("text=账单 2024.pdf")
    assert coming.value.path().read_bytes() == PDF
    page.fill("[name=fact-spend]", "77")
    page.click("[name=withdraw]")
    page.wait_for_selector(".files s")
    expect(page.locator("[name=fact-spend]")).to_have_value("77")  # what was typed is not lost by withdrawing
    assert said == []
    page.context.close()


def test_the_keyboard_alone_reaches_every_field_and_enter_saves_and_withdraws_nothing(
    site: Site, tmp_path: Path
) -> None:
    paper = tmp_path / "凭证.pdf"
    paper.write_bytes(PDF)
    page = opened(site, key="14.1")
    page.set_input_files("input[type=file] >> nth=0", paper)
    names, wanted = set(), page.locator(".asks [name^=fact-]").evaluate_all("all => all.map(each => each.name)")
    page.focus("[name=label]")
    for _ in range(40):
        names.add(page.evaluate("document.activeElement.name || ''"))
        page.keyboard.press("Tab")
    assert set(wanted) <= names
    page.focus("[name=label]")
    page.keyboard.type("甲")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drafts/*")
    page.focus("[name=fact-national]")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.wait_for_selector(".said >> text=已保存")
    expect(page.locator("[name=fact-national]")).to_have_value("2")
    expect(page.locator(".files a")).to_have_count(1)
    expect(page.locator(".files s")).to_have_count(0)
    page.context.close()


def test_without_script_the_form_is_saved_answered_and_corrected(site: Site) -> None:
    page = opened(site, 390, script=False)
    page.check("[name=fact-in_anhui][value=是]")
    page.select_option("[name=fact-kind]", "企业")
    page.fill("[name=fact-spend]", "12.345")
    page.click("button.main")
    expect(page.locator(".ask.amiss")).to_have_count(1)
    expect(page.locator("[name=fact-spend]")).to_have_value("12.345")
    page.fill("[name=fact-spend]", "100")
    page.fill("[name=fact-self_use]", "0")
    page.click("button.main")
    expect(page.locator("#answer")).to_contain_text("试算 20.00 元", use_inner_text=True)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.context.close()
