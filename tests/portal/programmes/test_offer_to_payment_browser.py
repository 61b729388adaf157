"""An offer goes to its payment through the pages in a real browser: confirmed, checked, decided, committed, paid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from support.browser import CHROMIUM, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from huisuan.parties.models import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]


def opened(site: Site, who: Person, width: int = 1280) -> Page:
    """A page in which an official is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    site.sessions[who.username] = client.cookies["sessionid"].value
    return site.page(who.username, width)


def acted(site: Site, who: Person, button: str) -> None:
    """An official takes the first of the inbox with the keyboard and acts on it."""
    page = opened(site, who)
    page.goto(site.url + "/inbox/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("aside.acts")).to_be_visible()
    page.locator("aside.acts").get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".said").first).to_contain_text(f"已{button}")
    page.context.close()


def test_an_offer_is_walked_to_its_payment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from huisuan.base.money import plain_yuan
    from huisuan.programmes.models import Application
    from huisuan.programmes.offers.services import make_offers
    from huisuan.treasury.models import PaymentOrder
    from support.awards import ACCOUNT, BANK, DATA, GROUP
    from support.notices import ended, notice_of
    from support.programmes import NOON, TREASURY, budget, official
    from support.treasury import returned

    make_offers(site.world.run, official("data", "check", DATA), NOON)
    made = Application.objects.get(party=site.world.beta, offers__isnull=False)
    budget("2.2", year=(timezone.localdate() + timedelta(days=20)).year)
    page = site.page("beta", 390)
    page.goto(site.url + "/claims/")
    page.get_by_role("link", name="去确认").first.click()
    page.get_by_label("银行账号").fill(ACCOUNT)
    page.get_by_label("开户银行").fill(BANK)
    page.get_by_label("以上账户是本单位的").check()
    page.get_by_role("button", name="确认").click()
    expect(page.locator("h1")).to_contain_text(made.number)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    page.context.close()
    acted(site, official("checker", "check", DATA), "核验通过")
    acted(site, official("publisher", "publish", GROUP), "公示")
    over = ended(notice_of(made)) + timedelta(minutes=1)
    monkeypatch.setattr(timezone, "now", lambda: over)  # the clock of the pages
    acted(site, official("decider", "decide", GROUP), "批准")
    acted(site, official("committer", "commit", TREASURY), "下达资金")
    payer = official("payer", "pay", TREASURY)
    acted(site, payer, "开始支付")
    page = opened(site, payer)
    page.goto(site.url + "/treasury/orders/")
    page.get_by_role("button", name="生成送银行的文件").click()
    expect(page.locator("main")).to_contain_text("已生成")
    order = PaymentOrder.objects.select_related("instalment").get()
    content = returned(f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功,")
    page.goto(site.url + "/treasury/returns/")
    page.locator("input[type=file]").set_input_files({"name": "r.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="导入回单").click()
    expect(page.locator("main")).to_contain_text("1 件支付完毕")
    page.context.close()
    page = opened(site, site.world.people["beta"])  # the session ended meanwhile
    page.goto(f"{site.url}/applications/{made.number}")
    for said in ("已办结", "已支付", "历史"):
        expect(page.locator("main")).to_contain_text(said)
    page.context.close()
