"""What an application stands on, and what the newest settlement of its year, or the city's vouchers, owe for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from huisuan.programmes.awards.allotted import load_allotted
from huisuan.programmes.awards.offered import newest_entitlements, standing_offers
from huisuan.programmes.awards.shares import load_shares
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.models import OVER_STATES, Application, Award, Offer
from huisuan.settlement.models import Entitlement

_Claim = tuple[str, str, int, int]  # policy, rule, year, party


@dataclass(frozen=True)
class Basis:
    """The offer and the award that stand, and the newest entitlement of the party for the year. In fen.

    `offer` is None where it is a city's share, of which what the city paid decides, or its part of a shared budget.
    `stands_fen` is what was granted, before a decision what is offered; `owed_fen` is what the newest settlement owes
    beside the other applications of the same party and year: what more it owes belongs to the last of them.
    """

    offer: Offer | None
    award: Award | None
    newest: Entitlement | None
    stands_fen: int
    owed_fen: int

    @property
    def holds(self) -> bool:
        """Whether the newest settlement says what stands."""
        return self.stands_fen == self.owed_fen


def load_bases(applications: Iterable[Application]) -> dict[int, Basis]:
    """By application; only of those that began as an offer, claim a city's share, or share a budget out by figures."""
    asked = list(applications)
    return _of_offers(asked) | _of_shares(asked) | _of_allotments(asked)


def _of_allotments(applications: Sequence[Application]) -> dict[int, Basis]:
    """Before a decision nothing stands yet: it grants what the figures give then."""
    found = load_allotted(applications)
    awards = standing_awards([one for one in applications if one.pk in found])
    return {
        pk: Basis(None, awards.get(pk), None, awards[pk].amount_fen if pk in awards else one.fen, one.fen)
        for pk, one in found.items()
    }


def _of_shares(applications: Iterable[Application]) -> dict[int, Basis]:
    """Before a decision nothing stands yet: it grants what the rule gives then."""
    found = load_shares(applications)
    awards = standing_awards([basis.share.application for basis in found.values()])
    return {
        pk: Basis(None, awards.get(pk), None, awards[pk].amount_fen if pk in awards else basis.owed_fen, basis.owed_fen)
        for pk, basis in found.items()
        if basis.owed_fen is not None
    }


def _of_offers(applications: Iterable[Application]) -> dict[int, Basis]:
    """So many queries however many they are."""
    offers = standing_offers(applications)
    mine = [one for one in applications if one.pk in offers]
    newest, siblings = newest_entitlements(mine), _siblings(mine)
    awards = standing_awards([other for others in siblings.values() for other in others])
    awards |= standing_awards(mine)
    found = {}
    for one in mine:
        offer, award, others = offers[one.pk], awards.get(one.pk), siblings[_claim(one)]
        stands = award.amount_fen if award else offer.amount_fen
        before = sum(awards[other.pk].amount_fen for other in others if other.pk < one.pk and other.pk in awards)
        owed = max(0, (newest[one.pk].payable if one.pk in newest else 0) - before)
        if any(other.pk > one.pk for other in others):
            owed = min(owed, stands)
        found[one.pk] = Basis(offer, award, newest.get(one.pk), stands, owed)
    return found


def _claim(application: Application) -> _Claim:
    edition = application.edition
    return edition.policy, edition.key, application.year, application.party_id or 0


def _siblings(applications: list[Application]) -> dict[_Claim, list[Application]]:
    """The living applications from offers for the same party and year, each among them, the oldest first."""
    claims = {_claim(one) for one in applications}
    rows = Application.objects.filter(
        edition__policy__in={claim[0] for claim in claims}, edition__key__in={claim[1] for claim in claims},
        year__in={claim[2] for claim in claims}, party__in={claim[3] for claim in claims}, offers__isnull=False,
    )  # fmt: skip
    found: dict[_Claim, list[Application]] = defaultdict(list)
    for one in rows.exclude(state__in=OVER_STATES).select_related("edition").order_by("pk").distinct():
        found[_claim(one)].append(one)
    return found
