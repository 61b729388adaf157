"""Making offers after a settlement, and confirming one: account and truthfulness, no upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.law.procedure import DUTY_WORDS, Duty, Start, State
from huisuan.parties.models import Party, Person
from huisuan.programmes.awards.offered import standing_offers
from huisuan.programmes.models import Application, ApplicationStep, Award, Offer, ProcedureEdition
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.payments.payees import give_payee
from huisuan.programmes.workflow.act import act
from huisuan.programmes.workflow.begin import begin_applications, store_edition
from huisuan.settlement.models import Entitlement, SettlementRun


@dataclass(frozen=True)
class OffersMade:
    """What a run led to: offers made, applications that already stand on it, and those that stand on another amount."""

    made: tuple[Offer, ...]
    unchanged: int
    differing: tuple[Application, ...]


@transaction.atomic
def make_offers(run: SettlementRun, person: Person, now: datetime) -> OffersMade:
    """Offer to every party what the run says may be paid to it; a party with a living offer gets no second.

    Raises:
        InvalidRequest: the rule's programme does not begin by an offer, or a newer run counts.
        NotAllowed: the person has no post in the office that checks under it.
    """
    policy = load_policy(run.policy)
    spec = next((each for each in policy.programmes if each.key == run.sentence), None)
    if spec is None or spec.start is not Start.OFFER:
        raise InvalidRequest(f"{run.policy} {run.sentence} 不是免申即享的程序", code="offer.not_offered")
    edition = ProcedureEdition.objects.select_for_update(no_key=True).get(pk=store_edition(policy, spec.key).pk)
    newest = SettlementRun.objects.filter(policy=run.policy, sentence=run.sentence, year=run.year).first()
    if newest is not None and newest.pk != run.pk:
        raise InvalidRequest(f"第 {run.pk} 次结算之后已有第 {newest.pk} 次", code="offer.run_superseded")
    _require_post(edition, person, now)
    owed = {row.party_id: row for row in run.entitlements.select_related("party").order_by("party__uscc")}
    living = _living(edition, run.year)
    new = [row for pk, row in owed.items() if row.payable > 0 and pk not in living]
    offers = _offer(new, edition, person, now)
    differing = tuple(
        application for pk, (application, fen) in living.items() if (owed[pk].payable if pk in owed else 0) != fen
    )
    return OffersMade(offers, len(living) - len(differing), differing)


def _require_post(edition: ProcedureEdition, person: Person, now: datetime) -> None:
    edge = edition.edges.filter(duty=Duty.CHECK.value).first()
    office = edge.office if edge else ""
    held = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=Duty.CHECK, office__name=office)
    if person.machine or not held.exists():
        raise NotAllowed(f"须由{office}当天在任的{DUTY_WORDS[Duty.CHECK][0]}岗位发出", code="offer.no_post_in_force")


def _living(edition: ProcedureEdition, year: int) -> dict[int, tuple[Application, int]]:
    """By party its newest application for a year that nobody withdrew, and what it stands on in all, in fen."""
    rows = Application.objects.filter(
        edition__policy=edition.policy, edition__key=edition.key, year=year, party__isnull=False, offers__isnull=False
    ).exclude(state=State.WITHDRAWN.value)
    found: dict[int, tuple[Application, int]] = {}
    applications = list(rows.distinct().order_by("pk").select_related("edition", "party"))
    offers = standing_offers(applications)
    for one in applications:
        assert one.party_id is not None  # filtered
        before = found[one.party_id][1] if one.party_id in found and offers[one.pk].supplements_id else 0
        found[one.party_id] = (one, before + offers[one.pk].amount_fen)
    return found


def _offer(
    rows: list[Entitlement], edition: ProcedureEdition, person: Person, now: datetime, supplements: Award | None = None
) -> tuple[Offer, ...]:
    if not rows:
        return ()
    parties: list[Party] = [row.party for row in rows]
    run = rows[0].run
    begun = begin_applications(load_policy(run.policy), edition.key, run.year, parties, person, now)
    paid_before = supplements.amount_fen if supplements else 0
    return tuple(
        Offer.objects.bulk_create(
            Offer(
                application=application, entitlement=row, amount_fen=row.payable - paid_before, supplements=supplements,
                by=person, at=now,
            )
            for application, row in zip(begun, rows, strict=True)
        )
    )  # fmt: skip


def confirm_offer(
    number: str, person: Person, account_number: str, bank: str, now: datetime, *, truthful: bool, key: str = ""
) -> ApplicationStep:
    """Confirm an offer: the account that it is to be paid to, and that what it rests on is true.

    Raises:
        NotFound: no such offer, as far as the person may know.
        InvalidRequest: not said to be true, or a malformed account.
        NotAllowed: the person may not act for the party.
        Conflict: it was confirmed before.
    """
    if not truthful:
        raise InvalidRequest("确认须声明内容属实", code="offer.not_truthful")
    with transaction.atomic():
        payee = give_payee(number, person, account_number, bank, now, reason="确认时填写")
        if payee.number > 1 and payee.accepted is None:
            raise Conflict(f"{number}：账户已填写，变更须另行提出", code="award.payee_change_waits")
        return act(number, "submit", person, now, payload={"truthful": True, "payee": payee.number}, key=key)
