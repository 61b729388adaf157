"""CKAN's actions that only read. Each takes a call and gives what stands under `result`; the first line is its help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from huisuan.base.errors import Gone, NotAllowed, NotFound
from huisuan.opendata.access.released import get_release, readable_by
from huisuan.opendata.catalogue.listed import FoundEntries, find_by, find_entries, listed_groups
from huisuan.opendata.catalogue.queries import get_entry, standing_entries
from huisuan.opendata.catalogue.search_grams import looked_at
from huisuan.opendata.ckan.calls import ActionCall, ActionRefused, bad_search, no_such
from huisuan.opendata.ckan.packages import (
    RESOURCE_FORMATS,
    organization_dict,
    package_dicts,
    provider_counts,
    provider_titles,
    resource_dict,
    tag_dict,
)
from huisuan.opendata.ckan.search_query import search_condition, sort_order
from huisuan.opendata.models import CatalogueEntry
from huisuan.opendata.vocabulary import ACCESS_WORDS, FREQUENCY_WORDS, KIND_WORDS, list_word

_API_VERSION = "2.11.0"  # of CKAN, whose action API this is
_PAGE, _MOST = 10, 1000
_FACET_ITEMS = 50
_FACETS = {
    "tags": "theme", "license_id": "licence", "access": "access", "kind": "kind", "frequency": "frequency",
    "region": "region",
}  # fmt: skip
_FACET_WORDS: Mapping[str, Callable[[str], str]] = {
    "access": lambda key: list_word(ACCESS_WORDS, key), "kind": lambda key: list_word(KIND_WORDS, key),
    "frequency": lambda key: list_word(FREQUENCY_WORDS, key),
}  # fmt: skip


def package_list(call: ActionCall) -> list[str]:
    """The names of all packages; `limit`, `offset`."""
    codes = standing_entries().order_by("entry__code").values_list("entry__code", flat=True)
    return [code.lower() for code in _page_of(codes, call)]


def package_show(call: ActionCall) -> dict[str, Any]:
    """A package by its `id` or name, with its resources."""
    try:
        row = get_entry(call.text("name_or_id") or call.required("id"))
    except NotFound:
        raise no_such() from None
    return package_dicts([row], call)[0]


def package_search(call: ActionCall) -> dict[str, Any]:
    """Packages by `q`, `fq`, `fq_list`; `sort`, `start`, `rows`; counted by each `facet.field`."""
    wanted = Q()
    for text in (call.text("q", "*:*"), call.text("fq"), *call.names("fq_list")):
        wanted &= search_condition(text, call.now)
    sort = call.text("sort", "score desc, metadata_modified desc")
    start, rows = call.number("start", 0), call.number("rows", _PAGE, _MOST)
    order = sort_order(sort)
    found = find_by(wanted) if wanted else find_entries()
    page = found.page(start, start + rows, order)
    facets = _facets(found, call) if call.flag("facet", True) else {}
    return {
        "count": found.total, "sort": sort, "results": package_dicts(page, call),
        "facets": {name: {item["name"]: item["count"] for item in items} for name, items in facets.items()},
        "search_facets": {name: {"title": name, "items": items} for name, items in facets.items()},
    }  # fmt: skip


def _facets(found: FoundEntries, call: ActionCall) -> dict[str, list[dict[str, Any]]]:
    written = call.text("facet.limit", str(_FACET_ITEMS))
    most = None if written.startswith("-") else call.number("facet.limit", _FACET_ITEMS)
    least = call.number("facet.mincount", 1)
    return {
        name: [item for item in _facet(name, found, call.now) if item["count"] >= least][:most]
        for name in call.names("facet.field")
    }


def _facet(name: str, found: FoundEntries, now: datetime) -> list[dict[str, Any]]:
    words = _FACET_WORDS.get(name, str)
    if name == "groups":
        return []
    if name == "organization":
        titles = provider_titles()
        pairs = found.count_by("provider")
        return [{"name": key.lower(), "display_name": titles[key], "count": count} for key, count in pairs]
    if name == "res_format":
        pairs = _formats(found, now)
    elif name in _FACETS:
        pairs = found.count_by(_FACETS[name])
    else:
        raise bad_search(f"undefined field {name[:40]}")
    return [{"name": key, "display_name": words(key), "count": count} for key, count in pairs if key]


def _formats(found: FoundEntries, now: datetime) -> list[tuple[str, int]]:
    """How many entries have files of each format that everyone may read: few have any, so these are looked at."""
    files = readable_by(None, now).order_by()
    entries = CatalogueEntry.objects.filter(looked_at(found.condition), pk__in=files.values("file__entry"))
    forms = files.filter(file__entry__in=entries.values("pk")).values_list("product__format")
    counted = forms.annotate(count=Count("file__entry", distinct=True)).order_by("-count", "product__format")
    return [(RESOURCE_FORMATS[key], count) for key, count in counted]


def resource_show(call: ActionCall) -> dict[str, Any]:
    """A resource by its `id`."""
    written = call.required("id")
    number = written.removeprefix("r")
    if not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise no_such()
    try:
        release = get_release(int(number), None, call.now).release
    except NotFound:
        raise no_such() from None
    except Gone as gone:
        raise no_such(str(gone)) from None
    except NotAllowed as refusal:
        raise ActionRefused(403, "Authorization Error", {"message": f"Access denied: {refusal}"}) from None
    of_entry = readable_by(None, call.now, release.file.entry.code).values_list("pk", flat=True)
    return resource_dict(release, list(of_entry).index(release.pk), call)


def organization_list(call: ActionCall) -> list[Any]:
    """The names of organisations; with `all_fields` what they are; `sort`, `limit`, `offset`, `organizations`."""
    titles, counts = provider_titles(), provider_counts()
    only = {name.upper() for name in call.names("organizations")}
    rows = [(key, title) for key, title in titles.items() if not only or key in only]
    sort, _, way = (call.text("sort") or call.text("order_by") or "title asc").partition(" ")
    keys: dict[str, Callable[[tuple[str, str]], Any]] = {
        "name": lambda row: row[0], "title": lambda row: (row[1], row[0]),
        "package_count": lambda row: (counts[row[0]], row[0]),
    }  # fmt: skip
    if sort not in keys or way.strip().lower() not in ("", "asc", "desc"):
        raise bad_search(f'Invalid "sort" parameter: {sort[:60]}')
    rows.sort(key=keys[sort], reverse=way.strip().lower() == "desc")
    start = call.number("offset", 0)
    rows = rows[start:][: call.number("limit", len(rows))]
    if not call.flag("all_fields"):
        return [key.lower() for key, _ in rows]
    return [{**organization_dict(key, title), "package_count": counts[key]} for key, title in rows]


def organization_show(call: ActionCall) -> dict[str, Any]:
    """An organisation by its `id`, with `include_datasets` its packages (1,000 at most)."""
    provider = call.required("id").upper()
    titles = provider_titles()
    if provider not in titles:
        raise no_such()
    rows = find_by(Q(group__provider=provider))
    found = {**organization_dict(provider, titles[provider]), "package_count": rows.total, "tags": [], "users": []}
    if call.flag("include_datasets"):
        found["packages"] = package_dicts(rows.page(0, _MOST), call)
    return found


def tag_list(call: ActionCall) -> list[Any]:
    """The themes; with `query` those that hold it, with `all_fields` as objects."""
    asked = call.text("query").lower()
    rows = sorted({theme for group in listed_groups().values() if asked in (theme := group.said["theme"]).lower()})
    return [tag_dict(theme) for theme in rows] if call.flag("all_fields") else rows


def status_show(call: ActionCall) -> dict[str, Any]:
    """What this site is, and of which CKAN its actions are."""
    return {
        "ckan_version": _API_VERSION, "site_url": call.site, "site_title": "惠算 开放数据", "site_description": "",
        "locale_default": "zh_Hans_CN", "error_emails_to": None, "extensions": [],
    }  # fmt: skip


def help_show(call: ActionCall) -> str:
    """What an action does, by its `name`."""
    action = CKAN_ACTIONS.get(call.required("name"))
    if action is None:
        raise no_such("Action function not found")
    return (action.__doc__ or "").strip()


def _page_of(rows: QuerySet[Any], call: ActionCall) -> QuerySet[Any]:
    start = call.number("offset", 0)
    return rows[start : start + call.number("limit", 0)] if call.text("limit") else rows[start:]


CKAN_ACTIONS: Mapping[str, Callable[[ActionCall], Any]] = {
    each.__name__: each
    for each in (
        package_list, package_show, package_search, resource_show, organization_list, organization_show, tag_list,
        status_show, help_show,
    )
}  # fmt: skip
