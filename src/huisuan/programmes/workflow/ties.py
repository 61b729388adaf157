"""Who is tied to an applicant and may not act on its application: employment, a relation in force, the pool's ties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from huisuan.parties.models import Person
from huisuan.parties.relation_history import relations_known
from huisuan.programmes.models import Application, ExpertTie, TieKind


def find_ties(person: Person, applications: Iterable[Application], day: date) -> dict[int, str]:
    """By application, the reason for which the person is tied to its applicant on a day."""
    asked = list(applications)
    found = {
        one.pk: f"{person.name}就职于申报单位" for one in asked if one.party_id and one.party_id == person.party_id
    }
    found |= {one.pk: f"{person.name}属于申报的市" for one in asked if one.city_id and one.city_id == person.city_id}
    related, pool = _related_parties(person, day), _pool_ties(person, day)
    for one in asked:
        if one.party_id in pool:
            found.setdefault(one.pk, f"{person.name}与申报单位有利害关系（{TieKind(pool[one.party_id]).label}）")
        if one.party_id in related:
            found.setdefault(one.pk, f"{person.name}的单位与申报单位有股权或控制关系")
    return found


def tied_applicants(person: Person, day: date) -> Q:
    """The same as a filter on applications: those to whose applicant the person is tied on a day."""
    tied = Q(party__in=set(_pool_ties(person, day)), party__isnull=False)
    if person.city_id is not None:
        tied |= Q(city=person.city_id, city__isnull=False)
    if person.party_id is not None:
        tied |= Q(party__in={person.party_id, *_related_parties(person, day)}, party__isnull=False)
    return tied


def _pool_ties(person: Person, day: date) -> dict[int, str]:
    """By party the kind of tie that the pool of experts has of the person on a day, as known that day."""
    held = ExpertTie.objects.filter(expert__person=person, starts__lte=day, known_from__lte=day)
    return dict(held.exclude(ends__lte=day).values_list("party", "kind"))


def _related_parties(person: Person, day: date) -> set[int]:
    """Those with which the person's own party has a relation in force on a day."""
    if person.party_id is None:
        return set()
    own = Q(owner=person.party_id) | Q(owned=person.party_id)
    held = relations_known(day).filter(own, valid_from__lte=day).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day))
    return {owned if owner == person.party_id else owner for owner, owned in held.values_list("owner", "owned")}
