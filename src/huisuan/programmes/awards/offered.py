"""The offer that stands of an application, and whether the newest settlement still says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Max

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.money import yuan
from huisuan.programmes.models import Application, Offer, PayeeAccount
from huisuan.programmes.step_conditions import AskedStep
from huisuan.settlement.models import Entitlement, SettlementRun


def standing_offers(applications: Iterable[Application]) -> dict[int, Offer]:
    """By application the offer that no other replaces; none where it did not begin as an offer."""
    found = Offer.objects.filter(application__in=list(applications), replaced_by__isnull=True)
    return {offer.application_id: offer for offer in found.select_related("entitlement__run")}


def offered_amounts(applications: Sequence[Application]) -> Mapping[int, int]:
    """What stands offered, in fen."""
    return {pk: offer.amount_fen for pk, offer in standing_offers(applications).items()}


def newest_entitlements(applications: Iterable[Application]) -> dict[int, Entitlement]:
    """By application that began as an offer, what the newest run of its year owes the party."""
    asked = {one.pk: one for one in applications if one.party_id}
    offered = set(Offer.objects.filter(application__in=asked).values_list("application_id", flat=True))
    mine = {
        (one.edition.policy, one.edition.key, one.year, one.party_id): pk for pk, one in asked.items() if pk in offered
    }
    newest = (
        SettlementRun.objects.filter(
            policy__in={key[0] for key in mine}, sentence__in={key[1] for key in mine},
            year__in={key[2] for key in mine},
        )
        .order_by().values("policy", "sentence", "year").annotate(newest=Max("id")).values("newest")
    )  # fmt: skip
    rows = Entitlement.objects.filter(run__in=newest, party__in={key[3] for key in mine}).select_related("run")
    found = {(row.run.policy, row.run.sentence, row.run.year, row.party_id): row for row in rows}
    return {pk: found[key] for key, pk in mine.items() if key in found}


def are_confirmed(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """An offer is handed in by its confirmation, with the account and that all of it is true."""
    offers = standing_offers(applications)
    given = set(PayeeAccount.objects.filter(application__in=list(offers)).values_list("application_id", flat=True))
    return {
        one.pk: InvalidRequest(
            f"{one.number}：请在确认页确认收款账户和内容属实（huisuan award confirm）", code="offer.not_confirmed"
        )
        for one in applications
        if one.pk in offers and (one.pk not in given or asked.payload.get("truthful") is not True)
    }


def are_up_to_date(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """The newest run of the year owes what is offered; otherwise the office re-bases it first, knowingly."""
    offers, newest = standing_offers(applications), newest_entitlements(applications)
    before = _awarded_before(offers.values())
    refused: dict[int, Refused] = {}
    for one in applications:
        offer = offers.get(one.pk)
        if offer is None:
            continue
        owed = (newest[one.pk].payable if one.pk in newest else 0) - before.get(offer.pk, 0)
        if owed != offer.amount_fen:
            refused[one.pk] = Conflict(
                f"{one.number}：按 {yuan(offer.amount_fen)} 元提出，最新一次结算为 {yuan(owed)} 元；"
                "请先重定（huisuan award rebase）",
                code="offer.outdated",
            )
    return refused


def _awarded_before(offers: Iterable[Offer]) -> dict[int, int]:
    """By supplementary offer what the awards before it granted for the same year, in fen."""
    found = {}
    for offer in offers:
        total, award = 0, offer.supplements
        while award is not None:
            total += award.amount_fen
            basis = Offer.objects.filter(application=award.application_id, replaced_by__isnull=True).first()
            award = basis.supplements if basis else None
        if total:
            found[offer.pk] = total
    return found
