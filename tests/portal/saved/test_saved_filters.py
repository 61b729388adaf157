"""Filters of a list are kept under a name: for oneself, or for one's office, and never lead elsewhere."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from huisuan.parties.models import Person, SavedFilter
from huisuan.parties.saved.filters import visible_filters

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db
FAILED = {"page": "/jobs/", "query": "?state=failed&page=3&export=csv", "name": "失败的"}


def names(world: World, who: str, page: str = "/jobs/") -> set[str]:
    return {each.name for each in visible_filters(Person.objects.get(pk=world.people[who].pk), page)}


def test_one_keeps_opens_shares_and_forgets_a_filter_and_other_tenants_never_see_it(world: World) -> None:
    mover = Person.objects.create_person("mover", None, role="user", party=world.alpha)
    world.people["mover"] = mover
    browser = world.browser("mover")
    answer = browser.post("/filters/keep", FAILED, follow=True)
    assert answer.redirect_chain == [("/jobs/?state=failed", 302)]
    page = html.unescape(answer.content.decode())
    assert '<a href="/jobs/?state=failed">失败的</a>' in page
    assert (names(world, "mover"), names(world, "alpha")) == ({"失败的"}, set())
    browser.post("/filters/keep", FAILED | {"shared": "on"})  # the same name again replaces it
    assert (names(world, "mover"), names(world, "alpha"), names(world, "beta")) == ({"失败的"}, {"失败的"}, set())
    assert names(world, "mover", "/usage/") == names(world, "province") == set()
    kept = SavedFilter.objects.get()
    world.browser("alpha").post(f"/filters/{kept.pk}/forget")
    assert names(world, "mover") == {"失败的"}  # it is not the colleague's
    Person.objects.filter(pk=mover.pk).update(party=world.beta, member_role="submitter")
    assert names(world, "mover") == names(world, "beta") == set()  # it does not go with who leaves
    Person.objects.filter(pk=mover.pk).update(party=world.alpha, member_role="submitter")
    mover.refresh_from_db()  # its session ended with the move
    answer = world.browser("mover").post(f"/filters/{kept.pk}/forget", follow=True)
    assert (answer.redirect_chain, names(world, "mover")) == ([("/jobs/", 302)], set())


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "名" * 61}, {"name": "a\nb"}, {"query": "?page=2"}, {"query": "q=" + "a" * 2000},
     *({"page": page} for page in ("//evil.example/", "https://evil.example/", "/nowhere", "jobs/", "\\\\evil"))],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_and_nothing_leads_elsewhere(world: World, wrong: dict[str, str]) -> None:
    answer = world.browser("alpha").post("/filters/keep", FAILED | wrong)
    assert answer.status_code == 302
    assert re.match(r"/(jobs|search)?/?(\?|$)", answer["Location"])
    assert not SavedFilter.objects.exists()


def test_where_nobody_is_signed_in_no_filter_is_offered_and_an_office_of_many_shares_none(world: World) -> None:
    assert "filters/keep" not in world.browser("").get("/calls/").content.decode()
    world.people["office"] = Person.objects.create_person("office", None, role="department")
    page = world.browser("office").get("/calls/?q=x").content.decode()
    assert "filters/keep" in page
    assert 'name="shared"' not in page
