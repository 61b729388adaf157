"""Making offers after a settlement, and confirming one: account and truthfulness, no upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_policy
from huisuan.law.procedure import DUTY_WORDS, Duty, Start, State
from huisuan.parties.models import Party, Person
from huisuan.programmes.awards.basis import load_bases
from huisuan.programmes.models import Application, ApplicationStep, Offer, ProcedureEdition
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
    claimed = {one.party_id for one in living}
    offered = set(Offer.objects.filter(entitlement__run=run).values_list("entitlement_id", flat=True))  # withdrawn, too
    new = [row for pk, row in owed.items() if row.payable > 0 and pk not in claimed and row.pk not in offered]
    offers = _offer(new, edition, person, now)
    bases = load_bases(living)
    differing = tuple(one for one in living if not bases[one.pk].holds and one.state != State.REFUSED)
    return OffersMade(offers, len(claimed) - len({one.party_id for one in differing}), differing)


def _require_post(edition: ProcedureEdition, person: Person, now: datetime) -> None:
    edge = edition.edges.filter(duty=Duty.CHECK.value).first()
    office = edge.office if edge else ""
    held = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=Duty.CHECK, office__name=office)
    if person.machine or not held.exists():
        raise NotAllowed(f"须由{office}当天在任的{DUTY_WORDS[Duty.CHECK][0]}岗位发出", code="offer.no_post_in_force")


def _living(edition: ProcedureEdition, year: int) -> list[Application]:
    """The applications from offers for a year that nobody withdrew or revoked: a revoked one is offered anew."""
    rows = Application.objects.filter(
        edition__policy=edition.policy, edition__key=edition.key, year=year, party__isnull=False, offers__isnull=False
    ).exclude(Q(state=State.WITHDRAWN.value) | Q(state=State.REFUSED.value, steps__action="revoke"))
    return list(rows.distinct().order_by("pk").select_related("edition", "party"))


def _offer(rows: list[Entitlement], edition: ProcedureEdition, person: Person, now: datetime) -> tuple[Offer, ...]:
    if not rows:
        return ()
    parties: list[Party] = [row.party for row in rows]
    run = rows[0].run
    begun = begin_applications(load_policy(run.policy), edition.key, run.year, parties, person, now)
    return tuple(
        Offer.objects.bulk_create(
            Offer(application=application, entitlement=row, amount_fen=row.payable, by=person, at=now)
            for application, row in zip(begun, rows, strict=True)
        )
    )


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
