"""What is known of parties. Tokens and people never show here."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet

from huisuan.base.errors import NotFound
from huisuan.parties.models import Party, Relation
from huisuan.parties.relation_history import relations_known
from huisuan.parties.viewer import Viewer


def get_party(uscc: str) -> Party:
    """The party with this code.

    Raises:
        Refused: there is none.
    """
    found = Party.objects.select_related("region").filter(uscc=uscc.strip().upper()).first()
    if found is None:
        raise NotFound(
            f'没有统一社会信用代码为 "{uscc}" 的主体；用 huisuan party list 查看，或先 huisuan party import',
            code="party.unknown",
        )
    return found


def list_visible_parties(viewer: Viewer | None = None) -> QuerySet[Party]:
    """The parties that a viewer may see, by code; all of them for an operator (None)."""
    parties = Party.objects.select_related("region").order_by("uscc")
    return parties if viewer is None else parties.filter(viewer.parties())


def party_row(party: Party) -> dict[str, Any]:
    """A party as lists and JSON show it."""
    return {
        "uscc": party.uscc,
        "name": party.name,
        "name_en": party.name_en,
        "kind": party.kind,
        "region": party.region_id,
        "region_name": party.region.name_zh,
        "registered_on": party.registered_on,
        "in_anhui": party.region.in_anhui,
        "demo": party.demo,
    }


def party_with_relations(uscc: str, as_known: date) -> dict[str, Any]:
    """A party with whom it owns or controls and who owns or controls it, each with its dates, as known on a day.

    Raises:
        Refused: no such party.
    """
    party, known = get_party(uscc), relations_known(as_known)
    return {
        **party_row(party),
        "owns": [_relation_row(row, row.owned) for row in known.filter(owner=party).select_related("owned")],
        "owned_by": [_relation_row(row, row.owner) for row in known.filter(owned=party).select_related("owner")],
    }


def _relation_row(relation: Relation, other: Party) -> dict[str, Any]:
    return {
        "uscc": other.uscc,
        "name": other.name,
        "share_permille": relation.share_permille,
        "control": relation.control,
        "valid_from": relation.valid_from,
        "valid_to": relation.valid_to,
        "known_from": relation.known_from,
    }
