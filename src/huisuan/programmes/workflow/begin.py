"""Beginning applications: the edition of their procedure is stored when it is first used, the number counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy
from huisuan.parties.models import Party, Person, Region, Role
from huisuan.programmes.models import Application, Call, Draft, NumberSeries, ProcedureEdge, ProcedureEdition
from huisuan.programmes.offices import store_offices


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
    counted = now.astimezone(SHANGHAI).year
    first = _take_numbers(counted, len(applicants))
    return Application.objects.bulk_create(
        Application(
            number=f"A{counted}-{first + at:06d}", party=each if isinstance(each, Party) else None,
            city=each if isinstance(each, Region) else None, edition=edition, year=year, draft=draft, call=call,
            begun_by=by, begun_at=now, state_since=now,
        )
        for at, each in enumerate(applicants)
    )  # fmt: skip


def _take_numbers(year: int, count: int) -> int:
    """The first of so many numbers of a year; the row stays locked until the transaction ends, so none is lost."""
    NumberSeries.objects.get_or_create(year=year)
    NumberSeries.objects.filter(year=year).update(last=F("last") + count)
    return NumberSeries.objects.get(year=year).last - count + 1
