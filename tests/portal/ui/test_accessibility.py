"""axe-core, run in a real browser, finds nothing serious on any kind of page: every role, both languages and themes.

The suite looks at each kind of page with one of its roles, another for each; with HUISUAN_ALL_ROLES=1 at every page of
every role, which takes minutes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.urls import URLPattern

from huisuan.parties.models import Person
from huisuan.portal.urls import urlpatterns
from support.browser import CHROMIUM, Site
from support.every_page import ROLES, page_addresses

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]
ALL_ROLES = os.environ.get("HUISUAN_ALL_ROLES") == "1"
AXE = (Path(__file__).parents[2] / "data" / "axe-core" / "axe.min.js").read_text("utf-8")
#: what it finds with an impact of serious or critical, each with the first place
RUN = """async (rules) => {
  const found = await axe.run(document, {resultTypes: ["violations"], ...(rules ? {runOnly: rules} : {})});
  return found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)} ${each.nodes[0].any[0]?.message ?? ""}`);
}"""


def wrong(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """What is serious on the page as it stands."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, rules)
    return found


@pytest.fixture(scope="module")
def operated(site: Site) -> Site:
    """The same with an operator."""
    operator = Person.objects.create_person("operator", None, role="operator")
    site.world.people["operator"] = operator
    site.sessions["operator"] = site.world.browser("operator").cookies["sessionid"].value
    return site


def test_it_does_find_what_is_wrong(operated: Site) -> None:
    page = operated.page("")
    page.goto(f"{operated.url}/policies/")
    assert wrong(page) == []
    page.evaluate("document.querySelector('main').innerHTML = '<button></button><p>pale</p>'")
    page.evaluate("document.querySelector('main p').style.color = '#cccccc'")
    assert {each.partition(":")[0] for each in wrong(page)} == {"button-name", "color-contrast"}
    page.context.close()


@pytest.mark.parametrize("who", ROLES)
def test_nothing_serious_on_any_page(operated: Site, who: str) -> None:
    """Chinese by day with all rules, then its colours by night; English by night, on the narrow screen."""
    found: dict[str, list[str]] = {}
    wide, narrow = operated.page(who), operated.page(who, 390, english=True, color_scheme="dark")
    for name, address in addresses(operated, who).items():
        wide.goto(operated.url + address)
        found[f"{name} zh light"] = wrong(wide)
        wide.emulate_media(color_scheme="dark")
        found[f"{name} zh dark"] = wrong(wide, {"type": "rule", "values": ["color-contrast"]})
        wide.emulate_media(color_scheme="light")
        narrow.goto(operated.url + address)
        found[f"{name} en dark narrow"] = wrong(narrow)
    assert {where: each for where, each in found.items() if each} == {}
    assert found
    wide.context.close()
    narrow.context.close()


def addresses(site: Site, who: str) -> dict[str, str]:
    """The pages to look at as somebody: their own share of the pages that they open, or all of them."""
    named = {entry.name: entry for entry in urlpatterns if isinstance(entry, URLPattern) and entry.name}
    found = {}
    for turn, (name, address) in enumerate(page_addresses(site.world).items()):
        allowed = getattr(named[name].callback, "allowed", None)
        open_to = [each for each in ROLES if allowed is None or role_of(site, each) in allowed]
        share = "" if allowed is None else open_to[turn % len(open_to)]  # what is public, as nobody sees it
        if who in open_to and (ALL_ROLES or name == "home" or share == who):
            found[name] = address
    return found


def role_of(site: Site, who: str) -> str:
    """The role of somebody; of nobody, none."""
    return site.world.people[who].role if who else ""


def test_the_walk_knows_an_address_of_most_pages(operated: Site) -> None:
    assert len(page_addresses(operated.world)) > len(urlpatterns) // 3
