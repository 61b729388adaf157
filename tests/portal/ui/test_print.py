"""On paper: A4 without menu, buttons and forms, headings with what they head, sums once, what is on record unfolded."""

from __future__ import annotations

import pytest

from support.browser import CHROMIUM, Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]
A4_MM = (210, 297)
#: what of a page is shown, by selector; where `overflows`, something is cut at the edge of the paper
LOOK = """() => {
  const shown = (selector) => [...document.querySelectorAll(selector)].filter((each) => each.checkVisibility());
  const edge = document.documentElement.clientWidth;
  return {
    controls: shown("nav, .rail, main button, main select, main input:not([type=hidden])").map((each) => each.outerHTML.slice(0, 120)),
    overflows: shown("table, figure, svg").filter((each) => each.getBoundingClientRect().right > edge + 1)
      .map((each) => each.outerHTML.slice(0, 120)),
    heads: shown("thead").map((each) => getComputedStyle(each).display),
    feet: shown("tfoot").map((each) => getComputedStyle(each).display),
    charts: shown("figure, .chart").map((each) => getComputedStyle(each).breakInside),
  };
}"""  # noqa: E501


def test_pages_that_are_printed_show_their_figures_and_nothing_to_press(site: Site) -> None:
    entitled, run = site.world.entitlement(site.world.alpha).pk, site.world.run.pk
    page = site.page("province", width=int((A4_MM[0] - 28) / 25.4 * 96))
    page.emulate_media(media="print")
    for address in (
        "/centres/hf/figures?year=2024", f"/entitlements/{entitled}", f"/runs/{run}", "/statistics/?year=2024",
        "/audit/sample?lot=1", "/policies/anhui-agi-2023/settings",
    ):  # fmt: skip
        answer = page.goto(f"{site.url}{address}")
        assert answer is not None
        found = page.evaluate(LOOK)
        assert (address, found["controls"], found["overflows"]) == (address, [], [])
        assert set(found["heads"]) <= {"table-header-group"}, address
        assert set(found["feet"]) <= {"table-row-group"}, address
        assert set(found["charts"]) <= {"avoid"}, address
        assert len(page.pdf(prefer_css_page_size=True)) > 5_000
    page.goto(f"{site.url}/entitlements/{entitled}")
    assert page.locator("#standing details table").is_visible()


def test_the_list_of_jobs_fits_a_screen_of_1280(site: Site) -> None:
    page = site.page("alpha", width=1280)
    page.goto(f"{site.url}/jobs/")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over == 0
