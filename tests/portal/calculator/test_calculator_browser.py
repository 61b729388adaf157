"""The calculator in a real browser: by keyboard alone, on a phone, printed, shared, and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from support.browser import CHROMIUM, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one"),
]
DAYS = {"on": "2025-06-30", "known": "2025-06-30"}
USER = {"f.2.2:in_anhui": "yes", "f.spend": "1,534,567.85", "f.self_use": "300000"}
OWED = "#answers .owed >> text=246,913.57"


def opened(site: Site, width: int = 1280, who: str = "enterprise", *, script: bool = True, **answers: str) -> Page:
    """The calculator with some answers, signed in as nobody."""
    page = site.page("", width, java_script_enabled=script)
    page.goto(f"{site.url}{reverse('calculator')}?{urlencode({'who': who, **DAYS, **answers})}")
    return page


def titles(page: Page) -> list[str]:
    """Every rule with what it comes to."""
    return page.locator(".card > summary").all_inner_texts()


@pytest.mark.parametrize(("width", "english"), [(1280, False), (390, True)])
def test_nothing_scrolls_sideways_fails_or_leaves_in_any_state(site: Site, width: int, english: bool) -> None:
    page = site.page("", width, english=english, color_scheme="dark" if english else "light")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.append(request.url))
    states: list[dict[str, str]] = [
        {}, {"who": "enterprise"}, {"who": "enterprise", **DAYS, **USER}, {"who": "city", "f.added_p": "4,5"},
        {"who": "person", "on": "2026-06-01"}, {"who": "university", "f.gone": "1", "on": "x"},
    ]  # fmt: skip
    for state in states:
        page.goto(f"{site.url}{reverse('calculator')}?{urlencode(state)}")
        assert (state, page.evaluate("document.documentElement.scrollWidth - innerWidth")) == (state, 0)
    assert said == []
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
    page.context.close()


def test_the_keyboard_alone_chooses_answers_and_keeps_its_place(site: Site) -> None:
    page = site.page("")
    page.goto(site.url + reverse("calculator") + "?" + urlencode(DAYS))
    until(page, "document.activeElement.textContent.startsWith('企业')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answers")
    until(page, "document.activeElement.name === 'f.2.2:in_anhui'")
    with live(page):
        page.keyboard.press("ArrowRight")  # from 不知道 on to 是
    assert page.evaluate("document.activeElement.value") == "yes"
    until(page, "document.activeElement.name === 'f.spend'")
    page.keyboard.type("1,534,567.85")
    with live(page):
        page.keyboard.press("Tab")
    expect(page.locator("[name='f.self_use']:focus")).to_be_attached()
    page.keyboard.type("300000")
    with live(page):
        page.keyboard.press("Tab")
    page.wait_for_selector(OWED)
    assert "f.self_use=300000" in page.url
    page.context.close()


def until(page: Page, found: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(120):
        if page.evaluate(found):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {found}")


class live:  # noqa: N801 - reads as a word
    """Wait until the part that changes has been changed by what is done inside."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __enter__(self) -> None:
        self.page.evaluate("document.getElementById('calculator').dataset.old = 'yes'")

    def __exit__(self, *_: object) -> None:
        self.page.wait_for_selector("#calculator:not([data-old]):not(.htmx-settling)")


def test_a_question_that_is_gone_hands_the_focus_to_the_next_one(site: Site) -> None:
    page = opened(site, **{"f.among_ten": "no", "f.investment": "5"})  # answered, though it does not matter any more
    page.fill("[name='f.investment']", "")
    with live(page):
        page.keyboard.press("Enter")
    expect(page.locator("[name='f.investment']")).to_have_count(0)
    assert page.evaluate("document.activeElement.id === document.getElementById('calculator').dataset.first")
    page.context.close()


def test_what_one_has_just_answered_stays_where_it_is_when_a_question_appears_above_it(site: Site) -> None:
    page = opened(site)
    answer = page.locator("[name='f.among_ten'][value=yes]")
    answer.scroll_into_view_if_needed()
    before = answer.bounding_box()
    with live(page):
        answer.check()
    expect(page.locator("[name='f.6.2:city']")).to_have_count(1)
    after = answer.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    page.context.close()


def test_what_is_typed_while_an_answer_is_on_its_way_is_kept_and_answered(site: Site) -> None:
    page = opened(site, **{"f.2.2:in_anhui": "yes", "f.self_use": "300000"})
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/calculator/?*", hold, times=1)
    page.fill("[name='f.spend']", "1")
    with page.expect_request("**/calculator/?*"):
        page.dispatch_event("[name='f.spend']", "change")
    page.fill("[name='f.spend']", "1,534,567.85")
    held[0].continue_()
    page.wait_for_selector(OWED)
    expect(page.locator("[name='f.spend']")).to_have_value("1,534,567.85")
    expect(page.locator("[name='f.spend']:focus")).to_be_attached()
    page.context.close()


def test_what_was_unfolded_stays_so(site: Site) -> None:
    page = opened(site)
    page.click("#r-anhui-agi-2023-8-1 > summary")
    with live(page):
        page.check("[name='f.among_ten'][value=no]")
    assert page.get_attribute("#r-anhui-agi-2023-8-1", "open") is not None
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_link_to_share_gives_another_reader_the_same_answers(site: Site, width: int) -> None:
    page = opened(site, width, **USER, **{"f.local_spend": "800000"})
    link, told = page.input_value("#share"), titles(page)
    page.click("[data-copied]")
    expect(page.locator("[data-copied]")).to_have_text("已复制", use_inner_text=True)
    other = site.page("beta", width)
    other.goto(link)
    assert titles(other) == told
    assert other.inner_text("#answers .owed") == page.inner_text("#answers .owed")
    page.context.close()
    other.context.close()


def test_it_prints_what_was_said_and_every_answer_with_its_sentence_and_no_form(site: Site) -> None:
    page = opened(site, 720, **USER)
    page.emulate_media(media="print")
    assert not page.locator(".asks").is_visible()
    expect(page.locator(".given")).to_contain_text("1,534,567.85 元", use_inner_text=True)
    for card in page.locator(".card").all():
        law = card.locator(".law").bounding_box()
        assert law is not None
        assert law["height"] > 0
    assert page.locator(".card[data-unfolded] .steps").first.is_visible()
    assert page.input_value("#share") == page.inner_text(".printed")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000
    page.context.close()


def test_on_a_phone_the_result_stays_in_sight_and_leads_to_the_answers(site: Site) -> None:
    page = opened(site, 390, **USER)
    expect(page.locator(".tally")).to_contain_text("确定 246,913.57 元", use_inner_text=True)
    page.click(".tally")
    box = page.locator("#answers").bounding_box()
    assert box is not None
    assert box["y"] < 200
    page.context.close()


def test_without_script_the_button_answers_and_the_address_stays_short(site: Site) -> None:
    page = opened(site, 390, script=False)
    page.check("[name='f.2.2:in_anhui'][value=yes]")
    page.click("button.main")
    page.fill("[name='f.spend']", "1,534,567.85")
    page.fill("[name='f.self_use']", "300000")
    page.click("button.main")
    page.wait_for_selector(OWED)
    assert page.url.count("f.") == 3
    page.fill("[name='f.spend']", "viel")
    page.click("button.main")
    expect(page.locator(".ask.amiss")).to_have_count(1)
    expect(page.locator("[name='f.spend']")).to_have_value("viel")
    page.context.close()
