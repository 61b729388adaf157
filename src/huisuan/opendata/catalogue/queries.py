"""What is on the list now, searched and narrowed; one entry with its versions. Public: everything here may be seen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.opendata.catalogue.search_grams import LONGEST_SEARCH
from huisuan.opendata.models import CatalogueVersion
from huisuan.opendata.vocabulary import (
    ACCESS_WORDS,
    ATTRIBUTE_WORDS,
    FREQUENCY_WORDS,
    KIND_WORDS,
    find_word,
    fold,
    list_word,
)


def standing_entries() -> QuerySet[CatalogueVersion]:
    """The version that stands of every entry."""
    found = CatalogueVersion.objects.filter(standing_for__isnull=False).select_related("entry", "region")
    return found.defer("entry__searched")  # a list of entries need not carry what it is searched by


def search_entries(text: str, rows: QuerySet[CatalogueVersion] | None = None) -> QuerySet[CatalogueVersion]:
    """The standing entries that hold every word of a text somewhere, all looked at: for whoever takes all of them.

    A page of them, and how many there are, `find_entries` knows sooner.
    """
    found = standing_entries() if rows is None else rows
    for word in map(fold, text[:LONGEST_SEARCH].split()):
        found = found.filter(standing_for__searched__contains=word)
    return found


def first_listed(rows: Collection[CatalogueVersion]) -> dict[int, datetime]:
    """By entry when it was listed first: one query."""
    firsts = CatalogueVersion.objects.filter(entry__in=[row.entry_id for row in rows], number=1)
    return dict(firsts.values_list("entry_id", "at"))


def filter_by_access(rows: QuerySet[CatalogueVersion], word: str) -> QuerySet[CatalogueVersion]:
    """Those of one class of access, by its key or any word that departments write for it.

    Raises:
        InvalidRequest: no such class.
    """
    access = find_word(ACCESS_WORDS, word)
    if access is None:
        known = "、".join(f"{key}（{words[0]}）" for key, words in ACCESS_WORDS.items())
        raise InvalidRequest(f"没有“{word[:40]}”这种开放属性；有 {known}", code="catalogue.access_unknown")
    return rows.filter(access=access)


def get_entry(code: str) -> CatalogueVersion:
    """The version of an entry that stands.

    Raises:
        NotFound: there is none of that code.
    """
    found = standing_entries().filter(entry__code=code.upper()).first()
    if found is None:
        raise NotFound(f"目录里没有 {code[:40]}", code="catalogue.unknown")
    return found


def entry_to_dict(version: CatalogueVersion) -> dict[str, Any]:
    """An entry as JSON carries it: keys for machines, and the list's words beside them."""
    plain = (
        "title", "summary", "theme", "department", "columns", "ground", "terms", "grade", "licence", "contact",
        "registration", "links", "origin_day", "opens_on", "reviewed_by_archive", "reviewed_by_origin",
        "opening_ground", "rights_holder", "listed_on", "digest",
    )  # fmt: skip
    return {
        "code": version.entry.code,
        "version": version.number,
        "region": version.region_id,
        **{name: getattr(version, name) for name in plain},
        "access": version.access,
        "access_zh": list_word(ACCESS_WORDS, version.access),
        "kind": version.kind,
        "kind_zh": list_word(KIND_WORDS, version.kind),
        "frequency": version.frequency,
        "frequency_zh": list_word(FREQUENCY_WORDS, version.frequency),
        "attribute": version.attribute,
        "attribute_zh": list_word(ATTRIBUTE_WORDS, version.attribute),
    }
