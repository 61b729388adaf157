"""Reading awards: those that a viewer may see, and one with its basis, its account and what became of its money."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import State
from huisuan.parties.models import Role
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of, payees_in_force
from huisuan.programmes.models import PAYEE_WAITS, Award, Offer, PayeeAccount
from huisuan.treasury.models import Commitment, Instalment


def visible_awards(viewer: Viewer) -> QuerySet[Award]:
    """The awards that stand and that a viewer may see: a party its own, a city its own and its parties', or all."""
    own = viewer.parties("application__party")
    if viewer.role == Role.CITY:
        own |= Q(application__city_id=viewer.city)
    found = Award.objects.filter(own, superseded_by__isnull=True)
    return found.select_related("application__party", "application__city", "application__edition", "entitlement__run")


def get_award(viewer: Viewer, number: str) -> Award:
    """The award that stands of an application.

    Raises:
        NotFound: none, as far as the viewer may know.
    """
    found = visible_awards(viewer).filter(application__number=number).first()
    if found is None:
        raise NotFound(f"申报 {number} 还没有批准的金额", code="award.unknown")
    return found


def offers_of(viewer: Viewer) -> QuerySet[Offer]:
    """What stands offered to a viewer's party, confirmed or not, the newest first."""
    found = Offer.objects.filter(viewer.parties("application__party"), replaced_by__isnull=True)
    return found.select_related("application__party", "application__edition", "entitlement__run", "entitlement__party")


def offers_to_confirm(viewer: Viewer) -> QuerySet[Offer]:
    """What a viewer's party can claim by one confirmation, the newest first."""
    return offers_of(viewer).filter(application__state=State.DRAFT.value)


def offer_to_dict(offer: Offer) -> dict[str, Any]:
    """An offer as JSON carries it; the amount in fen."""
    application = offer.application
    return {
        "number": application.number, "programme": application.edition.key, "policy": application.edition.policy,
        "party": application.party.uscc if application.party else "", "year": application.year,
        "state": application.state, "amount_fen": offer.amount_fen, "entitlement": f"E{offer.entitlement_id}",
        "run": offer.entitlement.run_id, "supplements": offer.supplements.key if offer.supplements else None,
        "at": offer.at.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def award_to_dict(award: Award) -> dict[str, Any]:
    """A line of a list of awards; the amount is that granted in all, in fen."""
    application = award.application
    return {
        "award": award.key, "number": application.number, "programme": application.edition.key,
        "party": application.party.uscc if application.party else application.city_id, "year": application.year,
        "state": application.state, "amount_fen": award.amount_fen,
        "entitlement": f"E{award.entitlement_id}" if award.entitlement_id else None,
        "run": award.entitlement.run_id if award.entitlement else None,
        "granted_at": award.granted_at.astimezone(SHANGHAI).isoformat(),
    }  # fmt: skip


def describe_award(award: Award) -> dict[str, Any]:
    """An award with its money as JSON carries it: account, commitments, instalments, orders, in fen."""
    application = award.application
    commitments = commitments_of([application]).get(application.pk, [])
    so_far, payee = paid_so_far(commitments), payees_in_force([application]).get(application.pk)
    return {
        **award_to_dict(award),
        "supersedes": award.supersedes.key if award.supersedes else None, "reason": award.reason,
        "open_fen": so_far.open_fen, "ordered_fen": so_far.ordered_fen, "paid_fen": so_far.paid_fen,
        "payee": _payee_to_dict(payee) if payee else None,
        "payee_change_waits": PayeeAccount.objects.filter(PAYEE_WAITS, application=application).exists(),
        "claimed_fen": so_far.claimed_fen, "commitments": [_commitment_to_dict(one) for one in commitments],
    }  # fmt: skip


def _payee_to_dict(payee: PayeeAccount) -> dict[str, Any]:
    """The account as it is shown: its last four digits are enough to know it by."""
    return {"name": payee.name, "account": f"…{payee.account_number[-4:]}", "bank": payee.bank}


def _commitment_to_dict(commitment: Commitment) -> dict[str, Any]:
    parts = list(commitment.instalments.all())
    return {
        "award": commitment.award, "amount_fen": commitment.amount_fen,
        "instalments": [_instalment_to_dict(part) for part in parts],
    }  # fmt: skip


def _instalment_to_dict(part: Instalment) -> dict[str, Any]:
    return {
        "number": part.number, "amount_fen": part.amount_fen, "released": part.release_id is not None,
        "orders": [{"order": order.name, "outcome": order.outcome or None} for order in part.orders.all()],
    }  # fmt: skip
