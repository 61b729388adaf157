"""What `q`, `fq` and `sort` of CKAN's search ask for: the part of Solr's language that clients write.

Words, "phrases", field:value, +must, -not, AND, field:(a OR b), metadata_modified:[day TO day] and *:*. What is not
understood is refused, never left out: a filter that is ignored would answer another question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import reduce

from django.db.models import Exists, OuterRef, Q

from huisuan.opendata.access.released import readable_by
from huisuan.opendata.catalogue.search_grams import LONGEST_SEARCH, holds_word
from huisuan.opendata.ckan.calls import bad_search
from huisuan.opendata.vocabulary import fold

_TERM = re.compile(
    r"\s*(?P<sign>[+-]?)(?:(?P<field>[\w.*]+):)?"
    r"(?:\((?P<group>[^()]*)\)|\[(?P<range>[^\[\]]*)\]|\"(?P<phrase>[^\"]*)\"|(?P<word>[^\s\"()\[\]]+))"
)
_GROUPED = re.compile(r"\"([^\"]*)\"|(\S+)")
_LONGEST, _MOST_TERMS, _MOST_VALUES = 2000, 60, 60
_SAME_FOR_ALL = {
    "state": "active", "type": "dataset", "dataset_type": "dataset", "private": "false", "capacity": "public",
    "entity_type": "package",
}  # fmt: skip
_SORTED_BY = {
    "name": ("code",), "id": ("code",), "title": ("latest__title",), "title_string": ("latest__title",),
    "metadata_modified": ("latest__at", "latest_id"), "metadata_created": ("pk",),
}  # fmt: skip


def search_condition(text: str, now: datetime) -> Q:
    """What an entry must be, by a query or a filter.

    Raises:
        ActionRefused: it cannot be read.
    """
    if len(text) > _LONGEST:
        raise bad_search("too long")
    wanted, at, terms = Q(), 0, 0
    while text[at:].strip():
        found = _TERM.match(text, at)
        if found is None or terms == _MOST_TERMS:
            raise bad_search(repr(text[at:].strip()[:80]))
        at, terms = found.end(), terms + 1
        if found["word"] == "AND" and not found["field"]:
            continue
        if found["word"] in ("OR", "NOT") and not found["field"]:
            raise bad_search("OR and NOT are understood as field:(a OR b) and as -field:value")
        condition = _one_term(found, now)
        wanted &= ~condition if found["sign"] == "-" else condition
    return wanted


def _one_term(found: re.Match[str], now: datetime) -> Q:
    field = (found["field"] or "").removeprefix("extras_")
    if found["range"] is not None:
        return _between(field, found["range"], now)
    if found["group"] is None:
        return _value(field, found["phrase"] if found["phrase"] is not None else found["word"], now)
    parts = [phrase or word for phrase, word in _GROUPED.findall(found["group"])]
    if len(parts) > 2 * _MOST_VALUES:
        raise bad_search(f"more than {_MOST_VALUES} values of {field[:40]}")
    values = [_value(field, part, now) for part in parts if part not in ("OR", "AND")]
    if not values or {"OR", "AND"} <= set(parts):
        raise bad_search(repr(found["group"][:80]))
    return reduce(Q.__or__ if "OR" in parts else Q.__and__, values)


def _value(field: str, written: str, now: datetime) -> Q:
    value = written.replace("\\", "").strip()
    if value == "*":
        return Q()
    if field == "res_format":
        files = readable_by(None, now).filter(product__format=value.lower(), file__entry=OuterRef("pk"))
        return Q(Exists(files.order_by()))
    if field in _SAME_FOR_ALL:
        return Q() if _SAME_FOR_ALL[field] == value.lower() else Q(pk__in=[])
    if field not in _FIELDS:
        raise bad_search(f"undefined field {field[:40]}")
    return _FIELDS[field](value)


def _words(text: str) -> Q:
    words = [fold(word) for word in text.strip("*")[:LONGEST_SEARCH].split()]
    return reduce(Q.__and__, (holds_word(word) for word in words if word), Q())


_FIELDS: Mapping[str, Callable[[str], Q]] = {
    "": _words,
    "text": _words,
    "title": lambda value: Q(latest__title__icontains=value.strip("*")),
    "notes": lambda value: Q(latest__summary__icontains=value.strip("*")),
    "name": lambda value: Q(code=value.upper()),
    "id": lambda value: Q(code=value.upper()),
    "organization": lambda value: Q(group__provider=value.upper()),
    "owner_org": lambda value: Q(group__provider=value.upper()),
    "groups": lambda value: Q(pk__in=[]),  # there are none
    "tags": lambda value: Q(group__theme=value),
    "license_id": lambda value: Q(group__licence=value),
    "access": lambda value: Q(group__access=value),
    "kind": lambda value: Q(group__kind=value),
    "frequency": lambda value: Q(group__frequency=value),
    "region": lambda value: Q(group__region=value),
}


def _between(field: str, written: str, now: datetime) -> Q:
    ends = re.split(r"\s+TO\s+", written.strip())
    if field not in ("metadata_modified", "metadata_created") or len(ends) != 2:
        raise bad_search(f"{field[:40]}:[{written[:80]}]")
    column = "latest__at" if field == "metadata_modified" else "versions__at"
    first = Q() if field == "metadata_modified" else Q(versions__number=1)
    for end, compared in zip(ends, ("gte", "lte"), strict=True):
        if end != "*":
            first &= Q(**{f"{column}__{compared}": _moment(end, now)})
    return first


def _moment(written: str, now: datetime) -> datetime:
    if written == "NOW":
        return now
    try:
        found = datetime.fromisoformat(written.strip('"'))
    except ValueError:
        raise bad_search(f"Invalid Date String: {written[:40]!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def sort_order(written: str) -> list[str]:
    """The order that is asked for, in columns of entries. `score` says nothing: whatever is found holds all words.

    Raises:
        ActionRefused: a field by which nothing is sorted.
    """
    order: list[str] = []
    for part in filter(None, map(str.strip, written.split(","))):
        name, _, way = part.partition(" ")
        if name == "score":
            continue
        if name not in _SORTED_BY or way.strip().lower() not in ("", "asc", "desc"):
            raise bad_search(f'Invalid "sort" parameter: {part[:60]}')
        down = "-" if way.strip().lower() == "desc" else ""
        order += [down + column for column in _SORTED_BY[name]]
    return [*order, "code"]
