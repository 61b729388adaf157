"""Beginning applications: the edition of their procedure is stored when it is first used, the number counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from huisuan.base.errors import Conflict, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy
from huisuan.law.procedure import names_each_city, office_in_city, procedure_digest
from huisuan.parties.models import Party, Person, Region, Role
from huisuan.programmes.models import Application, Call, Draft, NumberSeries, Office, ProcedureEdge, ProcedureEdition
from huisuan.programmes.offices import is_city, store_offices


@transaction.atomic
def store_edition(policy: Policy, key: str) -> ProcedureEdition:
    """The procedure as the policy declares it now, with its edges; the same content is one edition.

    Raises:
        LawError: the policy declares no programme of that key.
    """
    spec = policy.programme(key)
    edition, made = ProcedureEdition.objects.get_or_create(
        policy=policy.name, key=key, digest=spec.digest, defaults={"content": spec.to_dict()}
    )
    if made:
        store_offices([policy])
        ProcedureEdge.objects.bulk_create(
            ProcedureEdge(
                edition=edition, action=taken.action, from_state=source, to_state=taken.target, duty=taken.duty,
                office=taken.office, within=taken.within.name if taken.within else "",
            )
            for taken in spec.steps
            for source in taken.sources
        )  # fmt: skip
    return edition


def city_edition(edition: ProcedureEdition, city: Region) -> ProcedureEdition:
    """The procedure in a city: itself, or where it names the government of each city, with that of this one.

    Raises:
        Conflict: it does, and the applicant is in no city of the province.
    """
    steps = edition.content["steps"]
    if not names_each_city(taken["office"] for taken in steps):
        return edition
    if not is_city(city):
        raise _in_no_city(city)
    content = content_in_city(edition.content, city)
    made, new = ProcedureEdition.objects.get_or_create(
        policy=edition.policy, key=edition.key, digest=procedure_digest(content), defaults={"content": content}
    )
    if new:
        named = sorted({taken["office"] for taken in content["steps"] if taken["office"]})
        Office.objects.bulk_create([Office(name=name) for name in named], ignore_conflicts=True)
        ProcedureEdge.objects.bulk_create(
            ProcedureEdge(
                edition=made, action=edge.action, from_state=edge.from_state, to_state=edge.to_state, duty=edge.duty,
                office=office_in_city(edge.office, city.name_zh), within=edge.within,
            )
            for edge in edition.edges.order_by("pk")
        )  # fmt: skip
    return made


def content_in_city(content: dict[str, Any], city: Region) -> dict[str, Any]:
    """A procedure that names the government of each city, with that of one city; any other as it is."""
    if not names_each_city(taken["office"] for taken in content["steps"]):
        return content
    there = [taken | {"office": office_in_city(taken["office"], city.name_zh)} for taken in content["steps"]]
    return content | {"steps": there, "city": city.code}


def begin_application(
    policy: Policy,
    key: str,
    year: int,
    person: Person,
    now: datetime,
    *,
    draft: Draft | None = None,
    call: Call | None = None,
) -> Application:
    """Begin an application for the party, or the city, of a person; under a call by its draft.

    Raises:
        NotAllowed: the person belongs to none, only reads there, or is a program.
        Conflict: it is for the applicant's city to handle, and the applicant is in none of the province, or the call
            is another city's.
    """
    if person.machine:
        raise NotAllowed("程序账号不能申报：请用本人的账号或令牌", code="application.needs_a_person")
    if person.role == Role.CITY and person.city is not None:
        return begin_applications(policy, key, year, [person.city], person, now, draft=draft, call=call)[0]
    if person.role != Role.USER or person.party is None or person.widest_scope == "read":
        raise NotAllowed("只有申报单位的人员（只读成员除外）和市的人员可以申报", code="application.not_an_applicant")
    return begin_applications(policy, key, year, [person.party], person, now, draft=draft, call=call)[0]


@transaction.atomic
def begin_applications(
    policy: Policy,
    key: str,
    year: int,
    applicants: Sequence[Party | Region],
    by: Person,
    now: datetime,
    *,
    draft: Draft | None = None,
    call: Call | None = None,
) -> list[Application]:
    """Begin one application each for parties or cities, numbered in the order given: offers are made so."""
    edition = call.edition if call is not None else store_edition(policy, key)  # what was announced holds
    editions = _editions(edition, applicants)
    counted = now.astimezone(SHANGHAI).year
    first = _take_numbers(counted, len(applicants))
    return Application.objects.bulk_create(
        Application(
            number=f"A{counted}-{first + at:06d}", party=each if isinstance(each, Party) else None,
            city=each if isinstance(each, Region) else None, edition=editions[at], year=year, draft=draft, call=call,
            begun_by=by, begun_at=now, state_since=now,
        )
        for at, each in enumerate(applicants)
    )  # fmt: skip


def find_other_city(edition: ProcedureEdition, applicant: Party | Region) -> Conflict | None:
    """Why no office of a procedure takes an applicant: it is of another city; or of each, and the applicant in none."""
    city, only = _city_of(applicant), edition.content.get("city")
    if only and city.code != only:
        there = Region.objects.get(code=only).name_zh
        return Conflict(
            f"本通知由{there}人民政府发布，只受理本市的申报单位；申报单位登记在{city.name_zh}",
            code="application.of_another_city",
        )
    of_each = names_each_city(taken["office"] for taken in edition.content["steps"])
    return _in_no_city(city) if of_each and not is_city(city) else None


def _editions(edition: ProcedureEdition, applicants: Sequence[Party | Region]) -> list[ProcedureEdition]:
    """For each applicant the procedure in its city."""
    if refusal := next(filter(None, (find_other_city(edition, each) for each in applicants)), None):
        raise refusal
    if not names_each_city(taken["office"] for taken in edition.content["steps"]):
        return [edition] * len(applicants)
    cities = [_city_of(each) for each in applicants]
    found = {city.code: city_edition(edition, city) for city in {city.code: city for city in cities}.values()}
    return [found[city.code] for city in cities]


def _in_no_city(city: Region) -> Conflict:
    return Conflict(
        f"本程序由所在市人民政府办理；申报单位登记在{city.name_zh}，不在本省的市", code="application.in_no_city"
    )


def _city_of(applicant: Party | Region) -> Region:
    return applicant if isinstance(applicant, Region) else applicant.region


def _take_numbers(year: int, count: int) -> int:
    """The first of so many numbers of a year; the row stays locked until the transaction ends, so none is lost."""
    NumberSeries.objects.get_or_create(year=year)
    NumberSeries.objects.filter(year=year).update(last=F("last") + count)
    return NumberSeries.objects.get(year=year).last - count + 1
