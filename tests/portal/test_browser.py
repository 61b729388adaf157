"""The pages in a real browser: nothing scrolls sideways, nothing fails, nothing leaves, the keyboard reaches all."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from support.browser import CHROMIUM, Site, proposal

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]


def addresses(site: Site, who: str) -> list[str]:
    """Every kind of page that someone reads."""
    alpha = site.world.alpha
    sequence = alpha.usage.order_by("sequence").values_list("sequence", flat=True)[0]
    things = [
        reverse("job", args=[site.world.jobs["alpha"].uid]),
        reverse("record", args=["hf", sequence]),
        reverse("bill", args=[site.world.bill(alpha, 4).pk]),
        reverse("entitlement", args=[site.world.entitlement(alpha).pk]),
    ]
    lists = ["home", "jobs", "usage", "bills", "entitlements", "policies"]
    if who == "alpha":
        lists += ["submit-job"]
    if who == "province":
        lists += ["compute", "centres", "seals", "flags", "runs", "budget"]
        things += [reverse("centre", args=["hf"]), reverse("run", args=[site.world.run.pk])]
        things += [reverse("propose-settings", args=["anhui-agi-2023"]), reverse("proposal", args=[proposal()])]
    return [
        *map(reverse, lists),
        *things,
        *(reverse(one, args=["anhui-agi-2023"]) for one in ("policy", "settings")),
        "/nowhere",
    ]


@pytest.mark.parametrize("who", ["alpha", "province"])
@pytest.mark.parametrize(("width", "english"), [(1280, False), (390, True)])
def test_no_page_scrolls_sideways_fails_or_asks_another_host(site: Site, who: str, width: int, english: bool) -> None:
    page = site.page(who, width, english=english, color_scheme="dark" if english else "light")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for address in addresses(site, who):
        page.goto(site.url + address)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (address, too_wide) == (address, 0)
        if address != "/nowhere":
            assert (address, said) == (address, [])
        said.clear()
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
    page.context.close()


def test_the_description_of_the_api_needs_no_other_host_either(site: Site) -> None:
    page = site.page("")
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/api/v1/docs")
    page.wait_for_selector(".opblock")
    assert said == []
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
    page.context.close()


def test_the_keyboard_alone_goes_from_the_amount_to_the_raw_line(site: Site) -> None:
    page = site.page("alpha")
    entitlement = next(
        each for each in addresses(site, "alpha") if each.startswith("/entitlements/") and each[-1].isdigit()
    )
    page.goto(site.url + entitlement)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for depth in range(3):  # a bill, its first line, the first record: each opens with Enter and fetches what is below
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.tree summary')") and depth == page.evaluate(DEPTH):
                break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.wait_for_selector(".tree pre" if depth == 2 else ".tree " + "ul " * (depth + 1) + "details")
    expect(page.locator(".tree pre")).to_contain_text("|ah|zhang|alpha|gpu|COMPLETED|", use_inner_text=True)
    page.context.close()


DEPTH = """(() => {
    let depth = 0, list = document.activeElement.closest("ul");
    while ((list = list.parentElement.closest("ul"))) depth++;
    return depth;
})()"""


def test_keys_find_the_filter_show_themselves_and_change_the_room(site: Site) -> None:
    page = site.page("alpha")
    page.goto(f"{site.url}/usage/")
    page.keyboard.press("/")
    page.keyboard.type("200")
    page.wait_for_url("**q=200**")
    expect(page.locator("input:focus")).to_have_value("200")  # the focus outlives the new table
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("Tab")
    page.click("[data-opens]")
    page.wait_for_selector("tr.opened pre")
    page.click("[data-opens]")
    page.wait_for_selector("tr.opened", state="detached")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("m")
    expect(page.locator(".rail a:focus")).to_be_attached()
    page.keyboard.press("g")
    page.keyboard.press("6")
    page.wait_for_url("**/claims/")
    page.go_back()
    page.wait_for_url("**q=200**")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.context.close()


def test_a_bar_that_is_pointed_at_tells_its_exact_figure_under_the_same_content_policy(site: Site) -> None:
    page = site.page("alpha")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(site.url)
    page.click("[data-point] >> nth=0")
    page.hover(".chart .wide .vega-embed .mark-rect path >> nth=4")
    page.wait_for_selector("#vg-tooltip-element.visible")
    told = page.inner_text("#vg-tooltip-element")
    page.click(".chart summary >> nth=0")
    assert told == page.inner_text(".chart tbody tr >> nth=4").split("\t")[1]
    assert said == []
    page.context.close()


def test_one_signs_in_by_the_form_and_out_by_the_button(site: Site) -> None:
    from support.portal import PASSWORD

    page = site.page("", 390)
    page.goto(f"{site.url}/bills/")
    expect(page.locator("[name='username']:focus")).to_be_attached()
    page.keyboard.type("alpha")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bills/")
    page.click("text=退出")
    page.wait_for_url("**/sign-in")
    page.context.close()


def test_a_job_is_cancelled_from_its_page_and_the_page_stops_asking(site: Site) -> None:
    page = site.page("beta")
    page.goto(site.url + "/jobs/" + site.world.jobs["beta"].uid)
    with page.expect_response(lambda answer: answer.request.headers.get("hx-target") == "live"):
        pass  # it asks anew by itself
    page.click("text=取消作业")
    page.wait_for_selector("#live:not([hx-trigger])")
    expect(page.locator("#live")).to_contain_text("已取消", use_inner_text=True)
    page.context.close()


def test_without_script_the_filter_the_order_and_the_tree_still_lead_on(site: Site) -> None:
    page = site.page("alpha", java_script_enabled=False)
    page.goto(f"{site.url}/usage/")
    page.fill("input[type=search]", "200")
    page.press("input[type=search]", "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("thead a >> nth=0")
    page.wait_for_url("**q=200**")
    page.click("td.opener a")
    page.wait_for_url("**/usage/hf/**")
    page.context.close()
