"""Three days with programmes in a browser: a firm's, a city's, the working group's; on a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from huisuan.parties.models import Person, Region
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Application, Call, CityShare, ConsentWithdrawal
from huisuan.programmes.workflow import begin_application
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import CityPaymentCut
from support.awards import GROUP
from support.browser import CHROMIUM, Site
from support.calls import draft, line, opened
from support.programmes import LAW, applicant, official, person

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium"),
]
HR, NAME = "省人力资源社会保障厅", "欧阳修文"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own, for the platform's key and what is handed in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def committed(site: Site, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What a test does is committed, so that the server sees it; the end of the module empties the database."""
    with django_db_blocker.unblock():
        yield


def signed_in(site: Site, who: Person, width: int = 1280, *, english: bool = False) -> Page:
    """A page in which somebody is signed in."""
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    site.sessions[who.username] = client.cookies["sessionid"].value
    return site.page(who.username, width, english=english, accept_downloads=True)


def fits(page: Page) -> None:
    """Nothing of the page lies beside the screen."""
    width, wide = page.evaluate("[window.innerWidth, document.documentElement.scrollWidth]")
    assert wide <= width


def open_call_of(key: str) -> Call:
    """A call that is open today, for ten days."""
    today = timezone.localdate()
    return opened(
        timezone.now(), programme=key, line=line(key).pk, evidence=(), first_day=today,
        last_day=today + timedelta(days=9), year=2024,
    )  # fmt: skip


def test_a_firm_hands_in_for_a_person_on_a_telephone_and_takes_the_consent_back(site: Site) -> None:
    official("publisher", "publish", HR)
    call, firm = open_call_of("11.1"), applicant(31)
    mine = draft(31, rule="11.1", files=())
    mine.facts = {"agi_field": "是", "high_level": "是"}
    mine.save()
    page = signed_in(site, firm, 390)
    page.goto(f"{site.url}/calls/{call.number}/submit?draft={mine.pk}")
    fits(page)
    page.locator("main form.reply button.main").click()
    page.wait_for_url("**/applications/A*")
    made = Application.objects.get(draft=mine)
    fits(page)
    for asked, typed in (("name", NAME), ("paper", "同意书 1 号"), ("given_on", timezone.localdate().isoformat())):
        if not page.locator(f'#consents [name="{asked}"]').is_visible():
            page.locator("#consents summary").first.click()
        page.locator(f'#consents [name="{asked}"]').fill(typed)
    page.locator("#consents form button").first.click()
    expect(page.locator("#consents tbody")).to_contain_text(NAME)
    fits(page)
    page.locator("#consents summary").last.click()
    form = page.locator(f'form[action$="/consents/{made.consents.get().pk}/withdraw"]')
    form.locator('[name="paper"]').fill("撤回书 1 号")
    form.locator('[name="withdrawn_on"]').fill(timezone.localdate().isoformat())
    form.locator("button").click()
    expect(page.locator("#consents tbody")).not_to_contain_text(NAME)
    assert ConsentWithdrawal.objects.filter(consent__application=made).count() == 1
    page.context.close()


def test_a_city_finds_a_payment_on_its_desk_takes_it_away_and_lowers_it(site: Site, tmp_path: Path) -> None:
    now = timezone.now()
    day = timezone.localdate(now)
    for at in range(60):
        claim = PaymentClaim("340100", f"HF-{at:03d}", "项目甲" if at else "项目乙", 10_000_00, day)
        record_city_payment(claim, Act("李会计", now, day))
    city = person("hefei desk", "city", city=Region.objects.get(code="340100"))
    made = begin_application(LAW, "8.2", day.year, city, now)
    CityShare.objects.create(application=made, number=1, project="项目甲", declared={}, by=city, at=now)
    page = signed_in(site, city, english=True)
    page.goto(f"{site.url}/city-desk")
    fits(page)
    payments = page.locator("#payments")
    expect(payments).to_contain_text("Page 1 of 2")
    payments.locator("input[type=search]").fill("项目乙")
    expect(payments.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as file:
        payments.locator('a[href*="export=csv"]').first.click()
    file.value.save_as(tmp_path / "desk.csv")
    assert "HF-000" in (tmp_path / "desk.csv").read_text("utf-8-sig")
    payments.locator("tbody a").first.click()
    page.locator('form.reply [name="amount"]').fill("1000")
    page.locator('form.reply [name="reason"]').fill("多付退回")
    page.locator("form.reply button.main").click()
    expect(page.locator("main table tbody").first).to_contain_text("1,000.00")
    assert CityPaymentCut.objects.get().amount_fen == 100_000
    page.context.close()


def test_the_working_group_takes_what_waits_checks_it_and_reads_the_year(site: Site) -> None:
    official("publisher", "publish", GROUP)
    checker = official("group checker", "check", GROUP)
    call = open_call_of("8.1")
    mine = draft(32, rule="8.1", files=())
    mine.facts = {"in_anhui": "是", "field": "通用大模型企业"}
    mine.save()
    made = submit_draft(call.number, mine.pk, applicant(32), timezone.now())
    page = signed_in(site, checker)
    page.goto(f"{site.url}/inbox/")
    page.locator("tbody a", has_text=made.number).click()
    page.locator('#act-check [name="reason"]').fill("核对过")
    page.locator("#act-check button").click()
    page.wait_for_url("**/inbox/")
    made.refresh_from_db()
    assert made.state == "checked"
    page.goto(f"{site.url}/programmes/year/?year={call.year}")
    fits(page)
    expect(page.locator("main")).to_contain_text("8.1")
    page.context.close()
