"""What officials did to applications: steps, and what is done beside them that money or a result rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.expressions import Combinable

from huisuan.law.procedure import Duty
from huisuan.parties.models import Person, Role
from huisuan.programmes.models import (
    NOT_CLAIMING_STATES,
    AcceptanceVote,
    Application,
    ApplicationStep,
    Award,
    Contract,
    ContractAmendment,
    ExpertEntry,
    FinalEvaluation,
    MilestoneResult,
    OfficeOpinion,
    PanelMeeting,
    PayeeAccount,
    ScoreSheet,
    SiteCheck,
    SiteCheckConfirmation,
)
from huisuan.treasury.models import Commitment, PaymentOrder

#: of applications in these nothing is looked back at
_UNDER_CONTRACT = "milestone__contract__application"


@dataclass(frozen=True)
class OfficialAct:
    """Something that an official did to an application at an instant; `about` names it among all of the application."""

    application: Application
    person: Person
    act: str
    about: str
    at: datetime


@dataclass(frozen=True)
class _Kept:
    """Where acts are kept: whose application, by whom, when; `about` is the word before the row's number."""

    rows: QuerySet[Any]
    application: str
    person: str
    act: Combinable
    about: str
    at: str = "at"
    number: str = "pk"


def acts_of_tied() -> Iterator[OfficialAct]:
    """The acts of people of the pool who have, or had, any tie to the applicant, whenever it was entered."""
    for kept in _kept():
        yield from _read(kept, Q(**{f"{kept.person}__expert__ties__party": F(f"{kept.application}__party")}))
    yield from _acts_of_treasury(Person.objects.filter(expert__ties__isnull=False))


def acts_of_employed(among: Collection[int] | None = None) -> Iterator[OfficialAct]:
    """The acts of people who belong to a party on applications of parties; both of `among` (keys), if given."""
    asked, value = ("party__isnull", False) if among is None else ("party__in", among)
    for kept in _kept():
        yield from _read(kept, Q(**{f"{path}__{asked}": value for path in (kept.person, kept.application)}))
    yield from _acts_of_treasury(Person.objects.filter(**{asked: value}))


def acts_of_experts(among: Collection[int] | None = None) -> Iterator[OfficialAct]:
    """What experts said of applications: score sheets, and votes on milestones that count.

    `among`: where the applicant or a party of the expert's is one of these (keys).
    """
    sent = ScoreSheet.objects.filter(seat__end__isnull=True).exclude(seat__application__state__in=NOT_CLAIMING_STATES)
    sent = sent.filter(_with_party_of(among, "seat__application", "seat__expert"))
    for sheet in sent.select_related("seat__application__party", "seat__application__edition",
                                     "seat__application__call__edition", "seat__expert__person"):  # fmt: skip
        person = sheet.seat.expert.person
        yield OfficialAct(sheet.seat.application, person, "score", f"sheet {person.username}", sheet.at)
    seat = f"seat__{_UNDER_CONTRACT}"
    votes = AcceptanceVote.objects.filter(left=False, set_aside__isnull=True).exclude(
        **{f"{seat}__state__in": NOT_CLAIMING_STATES}
    )
    votes = votes.filter(_with_party_of(among, seat, "seat__expert"))
    for vote in votes.select_related(f"{seat}__party", f"{seat}__edition", f"{seat}__call__edition",
                                     "seat__expert__person"):  # fmt: skip
        application = vote.seat.milestone.contract.application
        yield OfficialAct(application, vote.seat.expert.person, "vote", f"vote {vote.pk}", vote.at)


def _with_party_of(among: Collection[int] | None, application: str, expert: str) -> Q:
    if among is None:
        return Q()
    employed = ExpertEntry.objects.filter(employer__in=among).values("expert")
    return (
        Q(**{f"{application}__party__in": among}) | Q(**{f"{expert}__in": employed})
        | Q(**{f"{expert}__person__party__in": among})
    )  # fmt: skip


def _kept() -> Iterator[_Kept]:
    steps = ApplicationStep.objects.exclude(duty=Duty.APPLY.value)
    yield _Kept(steps, "application", "person", F("action"), "step", number="number")
    for rows, application, act in (
        (OfficeOpinion.objects.all(), "application", "opinion"),
        (PanelMeeting.objects.all(), "application", "meeting"),
        (Contract.objects.all(), "application", "draw_up"),
        (ContractAmendment.objects.all(), "contract__application", "amend"),
        (MilestoneResult.objects.all(), _UNDER_CONTRACT, "accept"),
        (SiteCheck.objects.all(), _UNDER_CONTRACT, "site_check"),
        (FinalEvaluation.objects.all(), "application", "evaluate"),
    ):
        yield _Kept(rows, application, "by", Value(act), act)
    of_site = f"site_check__{_UNDER_CONTRACT}"
    yield _Kept(SiteCheckConfirmation.objects.all(), of_site, "by", Value("site_check"), "site_check confirmed")
    again = Award.objects.filter(number__gt=1)
    yield _Kept(again, "application", "by", Value("rebase"), "award", "granted_at", "number")
    answered = PayeeAccount.objects.filter(answered_by__isnull=False)
    yield _Kept(answered, "application", "answered_by", Value("payee"), "payee", "answered_at", "number")


def _read(kept: _Kept, concerned: Q) -> Iterator[OfficialAct]:
    rows = (
        kept.rows.filter(concerned)
        .exclude(**{f"{kept.application}__state__in": NOT_CLAIMING_STATES})
        .annotate(said=kept.act)
    )
    found = list(
        rows.values_list(f"{kept.application}__pk", f"{kept.person}__pk", "said", kept.number, kept.at).distinct()
    )
    applications = Application.objects.select_related("party").in_bulk({row[0] for row in found})
    people = Person.objects.in_bulk({row[1] for row in found})
    for application, person, said, number, at in found:
        yield OfficialAct(applications[application], people[person], said, f"{kept.about} {number}", at)


def _acts_of_treasury(concerned: QuerySet[Person]) -> Iterator[OfficialAct]:
    """Money set aside and orders drawn up; the books of the treasury name people, not accounts, and the award's key."""
    people = {one.username: one for one in concerned.exclude(role=Role.USER).distinct()}
    orders = PaymentOrder.objects.filter(by__in=people)
    commitments = Commitment.objects.filter(by__in=people)
    yield from _by_key(people, "commit", commitments.values_list("award", "pk", "by", "at"))
    yield from _by_key(people, "order", orders.values_list("instalment__commitment__award", "pk", "by", "at"))


def _by_key(
    people: dict[str, Person], act: str, rows: Iterable[tuple[str, int, str, datetime]]
) -> Iterator[OfficialAct]:
    found = list(rows)
    awards = Award.objects.filter(key__in={row[0] for row in found}).exclude(application__state__in=NOT_CLAIMING_STATES)
    applications = {one.key: one.application for one in awards.select_related("application__party")}
    for key, pk, by, at in found:
        if key in applications:
            yield OfficialAct(applications[key], people[by], act, f"{act} {pk}", at)
