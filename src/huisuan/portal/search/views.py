"""The page that searches everything that one may see. Anybody searches what is public."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from huisuan.parties.models import Person, SavedFilter
from huisuan.parties.route_access import public_page
from huisuan.parties.saved.filters import MOST_FILTERS, visible_filters
from huisuan.parties.viewer import Viewer
from huisuan.portal.search.lists import HITS_SHOWN, search_lists
from huisuan.portal.search.sentences import search_sentences
from huisuan.portal.ui import navigation
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.table import LONGEST_WORD

SENTENCES_SHOWN = 10


def _kept(person: Person) -> list[tuple[SavedFilter, Text]]:
    """The filters that a person keeps or colleagues share, each with what its list is called in the menu."""
    labels = {room.route: room.label for subject in navigation.MENU for room in subject.rooms}
    return [(each, labels.get(_route(each.page), each.page)) for each in visible_filters(person)[:MOST_FILTERS]]


def _route(page: str) -> str:
    try:
        return resolve(page).url_name or ""
    except Resolver404:  # a page that there is no more
        return ""


@public_page
def search_page(request: HttpRequest) -> HttpResponse:
    """What is found of the words that the address asks for, list by list."""
    text = request.GET.get("q", "").strip()
    too_long = len(text) > LONGEST_WORD
    person = request.user
    asker = Viewer.for_person(person) if isinstance(person, Person) and not person.must_change_password else None
    searches = bool(text) and not too_long
    sentences = search_sentences(text.split()) if searches else []
    context = {
        "here": "search", "text": text, "searches": searches, "hits_shown": HITS_SHOWN,
        "found": search_lists(request, asker, text) if searches else [],
        "sentences": sentences[:SENTENCES_SHOWN], "more_sentences": max(0, len(sentences) - SENTENCES_SHOWN),
        "kept": _kept(person) if asker and isinstance(person, Person) else (),
        "not_used": refused(request, "q") if too_long else (),
    }  # fmt: skip
    return render(request, "portal/search/search.html", context)
