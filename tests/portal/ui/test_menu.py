"""One menu for everybody, by subject: the same order for each role, and nothing in it that the role may not open."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from django.urls import reverse

from huisuan.portal.ui.navigation import MENU, menu
from support.portal import World

pytestmark = pytest.mark.django_db
ROLES = {"alpha": "user", "centre": "centre", "city": "city", "province": "province", "auditor": "auditor", "": ""}
#: those of whom the small world has nobody
OTHERS = ("operator", "expert", "department", "treasury")


def entries(role: str) -> list[str]:
    return [room.route for subject in menu(role) for room in subject.rooms]


@pytest.mark.parametrize("who", ROLES)
def test_every_entry_opens_and_the_page_marks_where_one_is(world: World, who: str) -> None:
    browser = world.browser(who)
    for route in entries(ROLES[who]):
        answer = browser.get(reverse(route), follow=True)
        assert (route, answer.status_code) == (route, 200)
        rail = answer.content.decode().partition('<nav class="rail"')[2].partition("</nav>")[0]
        assert len(re.findall("<a ", rail)) == len(entries(ROLES[who]))
        if not answer.redirect_chain:
            assert re.findall(r'href="([^"]*)" aria-current="page"', rail) == [reverse(route)]


def test_roles_share_one_order_and_each_has_what_another_test_would_miss() -> None:
    whole = [room.route for subject in MENU for room in subject.rooms]
    assert len(set(whole)) == len(whole)
    for role in ROLES.values():
        places = [whole.index(route) for route in entries(role)]
        assert all(before < after for before, after in pairwise(places))
    assert {route for role in [*ROLES.values(), *OTHERS] for route in entries(role)} == set(whole)
