"""The offer that stands of an application, and what the newest settlement of its year owes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Max

from huisuan.base.errors import InvalidRequest, Refused
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
        pk: (one.edition.policy, one.edition.key, one.year, one.party_id) for pk, one in asked.items() if pk in offered
    }
    newest = (
        SettlementRun.objects.filter(
            policy__in={key[0] for key in mine.values()}, sentence__in={key[1] for key in mine.values()},
            year__in={key[2] for key in mine.values()},
        )
        .order_by().values("policy", "sentence", "year").annotate(newest=Max("id")).values("newest")
    )  # fmt: skip
    rows = Entitlement.objects.filter(run__in=newest, party__in={key[3] for key in mine.values()}).select_related("run")
    found = {(row.run.policy, row.run.sentence, row.run.year, row.party_id): row for row in rows}
    return {pk: found[key] for pk, key in mine.items() if key in found}


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
