"""Filters of lists under a name: kept, shown to whom they are for, forgotten."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.parties.models import Person, Role, SavedFilter

MOST_FILTERS = 100  # of a person
_LONGEST_NAME, _LONGEST_QUERY, _LONGEST_PAGE = 60, 2000, 200
#: roles whose people all belong to one office; of the others a party or a city does
_ONE_OFFICE = (Role.PROVINCE, Role.AUDITOR)


def may_share(person: Person) -> bool:
    """Whether a person has an office whose people are known: departments and experts are of many."""
    return bool(person.party_id or person.city_id or person.role in _ONE_OFFICE)


def visible_filters(person: Person, page: str = "") -> QuerySet[SavedFilter]:
    """A person's own, and those that colleagues of the same office share; with a page only those of that list."""
    here = SavedFilter.objects.filter(party=person.party_id, city=person.city_id).select_related("person")
    who = Q(person=person)
    if may_share(person):
        who |= Q(shared=True, person__role=person.role, person__is_active=True)
    return here.filter(who, **({"page": page} if page else {}))


@transaction.atomic
def save_filter(person: Person, name: str, page: str, query: str, now: datetime, *, shared: bool) -> SavedFilter:
    """Keep a filter under a name; the person's own of that name on that page is replaced.

    Raises:
        InvalidRequest: the name will not do, nothing is filtered, the address is too long, there are too many.
    """
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidRequest(f"名称：应是 1 至 {_LONGEST_NAME} 个可见字符", code="filter.name_malformed")
    if not query:
        raise InvalidRequest("列表没有筛选，也没有另排：先筛选，再保存", code="filter.nothing_filtered")
    if len(query) > _LONGEST_QUERY or len(page) > _LONGEST_PAGE:
        raise InvalidRequest(f"筛选的地址超过 {_LONGEST_QUERY} 个字符：请少选几项", code="filter.too_long")
    Person.objects.select_for_update().get(pk=person.pk)  # two at once do not pass the limit
    own = SavedFilter.objects.filter(person=person)
    if own.exclude(page=page, name=name).count() >= MOST_FILTERS:
        raise InvalidRequest(f"已有 {MOST_FILTERS} 个常用筛选：请先删去不用的", code="filter.too_many")
    where = {"party_id": person.party_id, "city_id": person.city_id}
    kept, _new = own.update_or_create(
        person=person,
        page=page,
        name=name,
        defaults={"query": query, "shared": shared and may_share(person), "made_at": now, **where},
    )
    return kept


def forget_filter(person: Person, number: int) -> SavedFilter:
    """Delete a filter of one's own; what it was.

    Raises:
        NotFound: the person has none of that number.
    """
    found = SavedFilter.objects.filter(person=person, pk=number).first()
    if found is None:
        raise NotFound("没有这个常用筛选，或它是别人的", code="filter.unknown")
    found.delete()
    return found
