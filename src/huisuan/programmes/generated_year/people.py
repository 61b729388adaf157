"""Who lives in a generated year: firms with an owner each, cities, officials with posts, experts; all invented."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from stdnum.cn import uscc as uscc_number

from huisuan.law.policy import Policy
from huisuan.law.procedure import Duty, ProgrammeSpec
from huisuan.parties.models import Party, PartyKind, Person, Region, Role
from huisuan.programmes.models import Post
from huisuan.programmes.offices import give_post, is_city, offices_in, store_offices
from huisuan.programmes.review.pool_import import import_experts, import_ties

_HEFEI = "340100"
_KINDS = (PartyKind.ENTERPRISE,) * 8 + (PartyKind.UNIVERSITY, PartyKind.INSTITUTE)
#: of one office and duty; the second answers what the first may not
_PEOPLE_PER_POST = 2


@dataclass
class YearPeople:
    """Everybody of a year. `officials` by duty and office, in the order in which they were given their posts."""

    giver: Person
    owners: list[Person]
    cities: dict[str, Person]
    officials: dict[tuple[str, str], list[Person]] = field(default_factory=dict)
    experts: list[Person] = field(default_factory=list)

    def official(self, duty: str, office: str, at: int = 0) -> Person:
        """Who has a post there; of the office of each city, that in Hefei."""
        (where, *_) = sorted(offices_in(Region.objects.get(code=_HEFEI), office))
        return self.officials[duty, where][at]


def make_people(policy: Policy, seed: int, parties: int, year: int, now: datetime) -> YearPeople:
    """Everybody, with posts in all offices that take a step of some programme; known ones are taken again."""
    store_offices([policy])
    cities = [place for place in Region.objects.all() if is_city(place)]
    people = YearPeople(
        _person(f"y{year}-giver", "示例任命人", Role.OPERATOR),
        _owners(random.Random(f"{seed} firms"), parties, year, cities),  # noqa: S311 (a made-up year, no secret)
        {city.code: _city_person(city, year) for city in cities},
    )
    _give_posts(people, policy.programmes, year, now)
    return people


def make_experts(
    people: YearPeople, fields: Sequence[str], number: int, seed: int, year: int, now: datetime
) -> None:  # fmt: skip
    """Experts of all those fields, one in eight tied to a firm."""
    chance = random.Random(f"{seed} experts")  # noqa: S311 (a made-up year, no secret)
    people.experts = [_person(f"y{year}-expert{at}", f"示例专家{at}", Role.EXPERT) for at in range(number)]
    known = "；".join(fields) or "人工智能"
    lines = [f"{one.username},示例大学{chance.randrange(number)},{known},2020-01-01" for one in people.experts]
    import_experts(_csv("username,employer,fields,active_from", lines), "示例专家库.csv", by="示例", now=now)
    tied = [one for one in people.experts if chance.random() < 1 / 8]
    firms = [chance.choice(people.owners).party for _ in tied]
    lines = [f"{one.username},{firm.uscc},advice,{year}-01-01" for one, firm in zip(tied, firms, strict=True) if firm]
    import_ties(_csv("username,party,kind,starts", lines), "示例利害关系.csv", by="示例", now=now)


def _owners(chance: random.Random, number: int, year: int, cities: Sequence[Region]) -> list[Person]:
    """Firms of all cities, two in five of them in Hefei, and universities among them."""
    found = []
    for at in range(number):
        city = _HEFEI if chance.random() < 2 / 5 else chance.choice(cities).code
        base = f"91{city}MA9{at:06d}"
        party, _ = Party.objects.get_or_create(
            uscc=base + uscc_number.calc_check_digit(base),
            defaults={
                "name": f"示例人工智能{at:05d}有限公司", "kind": chance.choice(_KINDS), "region_id": city, "demo": True,
                "registered_on": date(year - 3, 1, 1),
            },
        )  # fmt: skip
        found.append(_person(f"y{year}-firm{at}", f"示例负责人{at}", Role.USER, party=party))
    return found


def _city_person(city: Region, year: int) -> Person:
    """Who claims for a city, which is on the register of parties as itself."""
    base = f"11{city.code}MB9000001"
    Party.objects.filter(kind=PartyKind.CITY, region=city).exists() or Party.objects.create(
        uscc=base + uscc_number.calc_check_digit(base), name=f"{city.name_zh}人民政府（示例）", kind=PartyKind.CITY,
        region=city, demo=True,
    )  # fmt: skip
    return _person(f"y{year}-city{city.code}", f"{city.name_zh}示例经办", Role.CITY, city=city)


def _give_posts(people: YearPeople, programmes: Iterable[ProgrammeSpec], year: int, now: datetime) -> None:
    hefei = Region.objects.get(code=_HEFEI)
    wanted = {
        (taken.duty.value, office)
        for spec in programmes for taken in spec.steps if taken.duty is not Duty.APPLY
        for office in offices_in(hefei, taken.office)
    }  # fmt: skip
    first_day = date(year, 1, 1)
    for number, (duty, office) in enumerate(sorted(wanted)):
        for at in range(_PEOPLE_PER_POST):
            name = f"y{year}-{duty}{number}-{at}"
            made = _person(name, f"示例{office}{at + 1}", Role.PROVINCE)
            if not Post.objects.filter(person=made).exists():
                give_post(made, office, duty, first_day, people.giver, now)
            people.officials.setdefault((duty, office), []).append(made)


def _person(
    username: str, name: str, role: Role, party: Party | None = None, city: Region | None = None
) -> Person:  # fmt: skip
    found, made = Person.objects.get_or_create(
        username=username, defaults={"name": name, "role": role, "party": party, "city": city, "demo": True}
    )
    if made:
        found.refresh_from_db()  # the database says who is the owner of a firm
    return found


def _csv(heading: str, lines: Iterable[str]) -> bytes:
    return ("\n".join([heading, *lines]) + "\n").encode()
