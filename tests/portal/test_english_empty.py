"""A platform with people and nothing else: each page says in English what would fill it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from huisuan.bulletins.issuing.docx_template import BULLETIN_FIELDS
from huisuan.parties.models import Person, Region
from huisuan.parties.route_access import ALL_ROLES
from huisuan.programmes.offices.queries import offices_known
from support.english import Data
from support.english_pages import Found, browser, listed, note, pages, told

pytestmark = pytest.mark.django_db


def test_an_empty_platform_says_in_english_what_would_fill_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from support.portal import party

    monkeypatch.setattr("huisuan.portal.budget.views.PARTIES", 200)  # the words are those of a hundred thousand
    home, city = party(1, "甲公司", english="Alpha"), Region.objects.get(code="340100")
    found: Found = {}
    nothing = Data.of([home.name, *offices_known()], [*BULLETIN_FIELDS, "附件1列1", "附件1标题"])
    for role in ALL_ROLES:
        own = {"party": home} if role in ("user", "centre") else {"city": city} if role == "city" else {}
        client = browser(Person.objects.create_person(role, None, role=role, **own))
        for name, entry in pages().items():
            if not entry.pattern.converters:
                note(found, told(client.get(reverse(name)), nothing), f"{role} {name}")
    assert not found, listed(found)
