"""Who is to be told: by what they act for, never by a list that could outlive somebody's move to another firm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import reduce

from django.db.models import Q

from huisuan.parties.models import MemberRole, Person, Role


@dataclass(frozen=True)
class Recipients:
    """The active people of a role at a place, or one of them; somebody who is elsewhere now is not among them.

    `place` is a party's primary key for users and centres, a region code for cities, and empty for the others.
    `member_role` narrows a firm's people to those of that role in it.
    """

    role: str
    place: str = ""
    username: str = ""
    member_role: str = ""


def people_of_firm(party: int) -> Recipients:
    """Everybody who acts for a firm, university or institute."""
    return Recipients(Role.USER, str(party))


def owners_of_firm(party: int) -> Recipients:
    """The owners of a firm: for what only they can decide."""
    return Recipients(Role.USER, str(party), member_role=MemberRole.OWNER)


def person_of_firm(party: int, username: str) -> Recipients:
    """One person, as long as they act for that firm."""
    return Recipients(Role.USER, str(party), username)


def this_person(person: Person) -> Recipients:
    """One person, as long as they act for whom they act for now."""
    return Recipients(person.role, _place(person), person.username)


def people_of_operator(party: int) -> Recipients:
    """Everybody who acts for the operator of a centre."""
    return Recipients(Role.CENTRE, str(party))


def people_of_city(region: str) -> Recipients:
    """Everybody of a city."""
    return Recipients(Role.CITY, region)


def working_group() -> Recipients:
    """The province's working group."""
    return Recipients(Role.PROVINCE)


def position_of(person: Person) -> str:
    """For whom a person acts, in one word: `user:12`, `city:340100`, `province:`."""
    return f"{person.role}:{_place(person)}"


def find_people(recipients: Iterable[Recipients]) -> dict[Recipients, list[Person]]:
    """The active people of each group of recipients, in one query. A machine's account reads no messages."""
    wanted = frozenset(recipients)
    if not wanted:
        return {}
    whole = [group for group in wanted if not group.username]
    conditions = [Q(username__in={group.username for group in wanted if group.username})]
    conditions += [
        _of_role(role, [group.place for group in whole if group.role == role])
        for role in {group.role for group in whole}
    ]
    people = Person.objects.filter(reduce(Q.__or__, conditions), is_active=True, machine=False)
    found: dict[Recipients, list[Person]] = defaultdict(list)
    for person in people.only("username", "role", "party_id", "city_id", "member_role"):
        for group in _groups_of(person) & wanted:
            found[group].append(person)
    return found


def _groups_of(person: Person) -> frozenset[Recipients]:
    """Every group that a person is in."""
    place = _place(person)
    narrower = [{}, {"username": person.username}, {"member_role": person.member_role}]
    return frozenset(Recipients(person.role, place, **more) for more in narrower)


def _of_role(role: str, places: Collection[str]) -> Q:
    if role == Role.CITY:
        return Q(role=role, city_id__in=places)
    if role in (Role.USER, Role.CENTRE):
        return Q(role=role, party_id__in=[int(place) for place in places])
    return Q(role=role)


def _place(person: Person) -> str:
    return str(person.party_id or person.city_id or "")
