"""What two applicants share that ought not to be shared: files, accounts, contacts, an object, control."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from huisuan.base.months import SHANGHAI
from huisuan.parties.affiliation import find_control
from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.claim_objects.alike import shared_objects
from huisuan.programmes.claim_objects.codes import object_words
from huisuan.programmes.flags.raised import FoundFlag, store_flags
from huisuan.programmes.models import (
    NOT_CLAIMING_STATES,
    Application,
    ApplicationFlag,
    ApplicationStep,
    ApplicationSubmission,
    ClaimObject,
    FlagReason,
    PayeeAccount,
)
from huisuan.programmes.submissions.beside import differences


def look_for_flags(
    application: Application, now: datetime, holdings: HoldingsOn | None = None
) -> list[ApplicationFlag]:
    """Raise what is found about an application at an instant; returns what is new. `holdings` are those of its day."""
    return _look_at_many([application], now, holdings or HoldingsOn(now.astimezone(SHANGHAI).date()))


def flag_submissions(steps: Sequence[ApplicationStep]) -> None:
    """Look at what was just handed in."""
    by_instant: dict[datetime, list[Application]] = {}
    for step in steps:
        by_instant.setdefault(step.at, []).append(step.application)
    by_day: dict[date, HoldingsOn] = {}
    for at, applications in by_instant.items():
        day = at.astimezone(SHANGHAI).date()
        _look_at_many(applications, at, by_day.setdefault(day, HoldingsOn(day)))


def _look_at_many(applications: Sequence[Application], now: datetime, holdings: HoldingsOn) -> list[ApplicationFlag]:
    found = [*_same_objects(applications), *_differing_facts(applications, holdings.day)]
    for one in applications:
        if one.call_id is not None:
            others = rivals(one)
            found += [
                *_same_evidence(one, others), *_same_accounts(one, others), *_same_contacts(one, others),
                *_control_paths(one, others, holdings),
            ]  # fmt: skip
    return store_flags(found, now)


def rivals(application: Application) -> QuerySet[Application]:
    """The applications of other applicants under its call, but those that are over or not handed in."""
    found = Application.objects.filter(call=application.call_id).exclude(state__in=NOT_CLAIMING_STATES)
    own = Q(party=application.party_id) if application.party_id else Q(city=application.city_id)
    return found.exclude(pk=application.pk).exclude(own).select_related("party", "city")


def _same_objects(applications: Sequence[Application]) -> Iterator[FoundFlag]:
    """Objects that a living claim on another ground, or under another policy, holds, too; those that wait for one."""
    shared = shared_objects(applications)
    for own, one in shared.elsewhere:
        grounds = {
            own.application.number: f"{own.policy} {own.ground}",
            one.application.number: f"{one.policy} {one.ground}",
        }
        saw = {"object": object_words(one.kind, one.code), "grounds": grounds}
        yield _same_object(own, one, one.code, saw)
    for own, one in shared.alike:
        saw = {"object": object_words(own.kind, own.code), "ends_alike": object_words(one.kind, one.code)}
        yield _same_object(own, one, " / ".join(sorted((own.code, one.code))), saw)
    for own, one in shared.contested:
        first = one.application.number if own.waits else own.application.number
        saw = {"object": object_words(one.kind, one.code), "named_first_by": first}
        yield _same_object(own, one, one.code, saw)


def _same_object(own: ClaimObject, one: ClaimObject, codes: str, saw: Mapping[str, Any]) -> FoundFlag:
    return FoundFlag(FlagReason.SAME_OBJECT, own.application, f"{one.kind} {codes}", one.application, saw)


def _differing_facts(applications: Sequence[Application], day: date) -> Iterator[FoundFlag]:
    """What is stated otherwise than the platform sees it."""
    for application, row in differences(applications, day):
        saw = {"fact": row.label, "stated": row.stated, "seen": row.seen}
        yield FoundFlag(FlagReason.FACT_DIFFERS, application, f"{row.name} {row.stated}", saw=saw)


def _latest(applications: QuerySet[Application]) -> QuerySet[ApplicationSubmission]:
    rows = ApplicationSubmission.objects.filter(application__in=applications).order_by("application_id", "-version")
    return ApplicationSubmission.objects.filter(pk__in=rows.distinct("application_id").values("pk"))


def _same_evidence(application: Application, others: QuerySet[Application]) -> Iterator[FoundFlag]:
    said = application.submissions.last()
    mine = {file["sha256"]: file for file in said.evidence} if said else {}
    if not mine:
        return
    alike = Q(pk__in=())
    for sha256 in mine:
        alike |= Q(evidence__contains=[{"sha256": sha256}])
    for theirs in _latest(others).filter(alike).select_related("application"):
        other = theirs.application
        for file in {file["sha256"]: file for file in theirs.evidence if file["sha256"] in mine}.values():
            own = mine[file["sha256"]]
            saw = {
                application.number: {"fact": own["fact"], "filename": own["filename"]},
                other.number: {"fact": file["fact"], "filename": file["filename"]},
            }
            yield FoundFlag(FlagReason.SAME_EVIDENCE, application, file["sha256"], other, {"files": saw})


def _same_accounts(application: Application, others: QuerySet[Application]) -> Iterator[FoundFlag]:
    mine = set(application.payee_accounts.values_list("account_number", flat=True))
    if not mine:
        return
    same = PayeeAccount.objects.filter(application__in=others, account_number__in=mine).select_related("application")
    for account in same:
        tail = account.account_number[-4:]
        yield FoundFlag(
            FlagReason.SAME_ACCOUNT,
            application,
            account.account_number,
            account.application,
            {"account_ends_in": tail},
        )


def _same_contacts(application: Application, others: QuerySet[Application]) -> Iterator[FoundFlag]:
    """People who handed in for two applicants under one address."""
    steps = ApplicationStep.objects.filter(duty="apply").exclude(person__email="")
    steps = steps.annotate(mail=Lower("person__email")).select_related("person")
    mine = set(steps.filter(application=application).values_list("mail", flat=True))
    if not mine:
        return
    for step in steps.filter(application__in=others, mail__in=mine).select_related("application"):
        mail = step.person.email.lower()
        yield FoundFlag(FlagReason.SAME_CONTACT, application, mail, step.application, {"contact": mail})


def _control_paths(
    application: Application, others: QuerySet[Application], holdings: HoldingsOn
) -> Iterator[FoundFlag]:
    if application.party is None:
        return
    own = application.party.uscc
    related = holdings.may_belong_to(own)
    by_uscc = {other.party.uscc: other for other in others.filter(party__uscc__in=related) if other.party}
    paths = find_control(holdings.relations, [(own, uscc) for uscc in by_uscc]) if by_uscc else {}
    for (_, uscc), who in paths.items():
        saw = {"controlled_by": who, "parties": sorted((own, uscc)), "day": holdings.day.isoformat()}
        yield FoundFlag(FlagReason.CONTROL_PATH, application, who, by_uscc[uscc], saw)
