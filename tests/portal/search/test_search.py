"""One search over everything that one may see: what each finds is what their own lists show, and no more."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from huisuan.parties.models import Person
from huisuan.programmes.models import Application
from support.full_programmes import build_programmes
from support.registers import registered_park

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
EVERYBODY = ("alpha", "beta", "centre", "city", "province", "auditor", "operator", "")


def found(world: World, who: str, text: str, language: str = "zh-hans") -> list[str]:
    """The addresses of what somebody finds."""
    answer = world.browser(who, language).get("/search/", {"q": text})
    assert answer.status_code == 200
    main = html.unescape(answer.content.decode()).partition("<main")[2].partition("</main>")[0]
    return [href for part in main.split('<ul class="hits">')[1:] for href in _links(part.partition("</ul>")[0])]


def _links(part: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', part)


def test_each_finds_what_they_may_see_and_nothing_of_another_tenant(world: World) -> None:
    world.people["operator"] = Person.objects.create_person("operator", None, role="operator")
    build_programmes(world)
    application = Application.objects.filter(party=world.alpha).latest("pk")
    job, uscc = world.jobs["alpha"].uid, world.alpha.uscc
    wanted = {job: f"/jobs/{job}", application.number: f"/applications/{application.number}", uscc: f"/parties/{uscc}"}
    sees = {who: {text for text, href in wanted.items() if href in found(world, who, text)} for who in EVERYBODY}
    assert sees == {
        "alpha": {job, application.number}, "beta": set(), "centre": set(), "city": set(wanted),
        "province": set(wanted), "auditor": set(wanted), "operator": set(), "": set(),
    }  # fmt: skip
    for who in ("beta", "centre", ""):  # by a word that many things have
        for href in found(world, who, "智能"):
            assert (who, href, world.browser(who).get(href).status_code) == (who, href, 200)


def test_all_words_must_occur_and_the_list_holds_the_rest(world: World) -> None:
    registered_park(world.people["province"])
    for who in ("", "alpha"):
        assert [href for href in found(world, who, "量子园 P-1") if "/parks/" in href]
        assert not [href for href in found(world, who, "量子园 P-2") if "/parks/" in href]
    page = world.browser("province").get("/search/", {"q": "公司"}).content.decode()
    assert f'href="/parties/?q={"%E5%85%AC%E5%8F%B8"}"' in page
    assert world.beta.name not in page


def test_sentences_of_the_law_are_found_in_any_width_and_by_the_english_titles(world: World) -> None:
    assert "/policies/anhui-agi-2023#s2.2" in found(world, "", "算力总支出 ２０％")
    assert any(href.startswith("/policies/") for href in found(world, "", "COMPUTE subsidy", "en"))


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_asked_finds_nothing(world: World, text: str) -> None:
    assert found(world, "province", text) == []


def test_a_text_that_is_too_long_is_named_and_not_cut(world: World) -> None:
    page = world.browser("province").get("/search/", {"q": "公" * 101}).content.decode()
    assert "地址里的这些不能用" in page
    assert 'class="hits"' not in page
