"""What is on the list, found and counted: of one pass over what was found, by the groups that entries are alike in.

What a search found is counted once while the list stays as it is: each version that is listed makes the counts anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.expressions import RawSQL

from huisuan.opendata.catalogue.search_grams import LONGEST_SEARCH, by_index, holds_word, looked_at
from huisuan.opendata.models import CatalogueEntry, CatalogueGroup, CatalogueVersion
from huisuan.opendata.vocabulary import fold

#: by what the list is narrowed, and counted
FACETS = ("access", "kind", "frequency", "theme", "region", "department")
_COLUMNS = ("provider", "access", "kind", "frequency", "theme", "region_id", "department", "licence")
_FEW = 2000  # entries: up to there they are fetched and put in order; more are looked at in order, until a page is full
_REMEMBERED = 256  # searches


@dataclass(frozen=True)
class ListedGroup:
    """Entries that are alike in what is counted: how many, and the newest version among them."""

    said: Mapping[str, str]
    count: int
    newest: int


@dataclass(frozen=True)
class FoundEntries:
    """The entries of the list that hold for a condition (of `CatalogueEntry`), and how many of each group."""

    condition: Q
    groups: Mapping[int, ListedGroup]
    counts: Mapping[int, int]
    narrowed: bool = field(default=False)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def narrow(self, chosen: Mapping[str, str]) -> FoundEntries:
        """Those of them that say these words of themselves."""
        if not chosen:
            return self
        kept = {
            key: count
            for key, count in self.counts.items()
            if all(self.groups[key].said[name] == value for name, value in chosen.items())
        }
        return replace(self, counts=kept, narrowed=True)

    def count_by(self, name: str) -> list[tuple[str, int]]:
        """How many there are of each value that entries say of themselves, most first."""
        found: Counter[str] = Counter()
        for key, count in self.counts.items():
            found[self.groups[key].said[name]] += count
        return _most_first(found)

    def facets(self, chosen: Mapping[str, str] | None = None) -> dict[str, list[dict[str, Any]]]:
        """By facet how many there are of each value.

        `chosen` narrows by facet: each facet is counted as the other ones leave it, since any of its values could be
        chosen instead.
        """
        narrowed, counters = dict(chosen or {}), {facet: Counter[str]() for facet in FACETS}
        for key, count in self.counts.items():
            said = self.groups[key].said
            against = [facet for facet, value in narrowed.items() if said[facet] != value]
            for facet in against if against else FACETS:
                if len(against) < 2:
                    counters[facet][said[facet]] += count
        return {
            facet: [{"value": value, "count": count} for value, count in _most_first(counts)]
            for facet, counts in counters.items()
        }

    def page(self, start: int, stop: int, order: Sequence[str] = ("code",)) -> list[CatalogueVersion]:
        """Some of them in an order, as the versions that stand."""
        if start >= self.total or stop <= start:
            return []
        entries = CatalogueEntry.objects.select_related("latest__region").defer("searched").order_by(*order)
        if self.total <= _FEW:
            with by_index():
                keys = list(self._kept(_listed(self.condition)).order_by().values_list("pk", flat=True))
            rows = entries.filter(pk__in=keys)
            return [_version(entry) for entry in rows[start:stop]]
        with by_index():
            rows = self._kept(entries.filter(looked_at(self.condition), latest__isnull=False))
            return [_version(entry) for entry in rows[start:stop]]

    def _kept(self, entries: QuerySet[CatalogueEntry]) -> QuerySet[CatalogueEntry]:
        return entries.filter(group__in=list(self.counts)) if self.narrowed else entries


def listed_groups() -> Mapping[int, ListedGroup]:
    """All groups of the list as it stands, counted once a version of the list."""
    return _groups(str(connection.settings_dict["NAME"]), _newest_version())


def find_entries(text: str = "") -> FoundEntries:
    """The entries that hold every word of a text somewhere; the same words are counted once a version of the list."""
    words = tuple(dict.fromkeys(fold(word) for word in text[:LONGEST_SEARCH].split()))
    return _found(str(connection.settings_dict["NAME"]), _newest_version(), tuple(word for word in words if word))


def find_by(condition: Q) -> FoundEntries:
    """The entries of which a condition holds."""
    counts = _count(condition)
    groups = listed_groups()
    return FoundEntries(condition, {**groups, **_read(counts.keys() - groups.keys())}, counts)


@lru_cache(maxsize=2)
def _groups(_database: str, _version: str) -> Mapping[int, ListedGroup]:
    rows = _listed(Q()).order_by().values_list("group").annotate(count=Count("pk"), newest=Max("latest_id"))
    counted = {key: (count, newest) for key, count, newest in rows}
    return {key: replace(group, count=counted[key][0], newest=counted[key][1]) for key, group in _read(counted).items()}


@lru_cache(maxsize=_REMEMBERED)
def _found(_database: str, _version: str, words: tuple[str, ...]) -> FoundEntries:
    condition = Q()
    for word in words:
        condition &= holds_word(word)
    if words:
        return find_by(condition)
    groups = listed_groups()
    return FoundEntries(condition, groups, {key: group.count for key, group in groups.items()})


def _newest_version() -> str:
    """By what a version of the list is known: imports come one after another, so that the newest row was the last.

    With the transaction that wrote it: numbers begin anew in a database that was emptied.
    """
    rows = CatalogueVersion.objects.annotate(written=RawSQL("opendata_catalogueversion.xmin::text", []))
    newest = rows.order_by("-pk").values_list("pk", "written").first()
    return f"{newest[0]} {newest[1]}" if newest else ""


def _listed(condition: Q) -> QuerySet[CatalogueEntry]:
    return CatalogueEntry.objects.filter(condition, latest__isnull=False)


def _count(condition: Q) -> dict[int, int]:
    with by_index():
        return dict(_listed(condition).order_by().values_list("group").annotate(count=Count("pk")))


def _read(keys: Iterable[int]) -> dict[int, ListedGroup]:
    if not (wanted := list(keys)):
        return {}
    rows = CatalogueGroup.objects.filter(pk__in=wanted).values_list("pk", *_COLUMNS)
    names = [name.removesuffix("_id") for name in _COLUMNS]
    return {key: ListedGroup(dict(zip(names, said, strict=True)), 0, 0) for key, *said in rows}


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _version(entry: CatalogueEntry) -> CatalogueVersion:
    version = entry.latest
    assert version is not None
    version.entry = entry
    return version
