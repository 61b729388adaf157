"""What was attested of parties, read as it was known on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet

from huisuan.parties.models import Attestation, Party
from huisuan.parties.party_state import DatedAttestation

_ONE = ("party_id", "source", "item", "attester", "valid_from")


def load_attestations(as_known: date, usccs: Iterable[str] | None = None) -> Mapping[str, list[DatedAttestation]]:
    """By USCC what stood attested of each party as known on a day; `usccs`: only of these. One query."""
    rows = Attestation.objects.all() if usccs is None else Attestation.objects.filter(party__uscc__in=list(usccs))
    found: dict[str, list[DatedAttestation]] = defaultdict(list)
    for uscc, withdrawn, source, item, attester, place, value, first, after in _latest(rows, as_known).values_list(
        "party__uscc", "withdrawn", "source", "item", "attester", "place_id", "value", "valid_from", "valid_to"
    ):
        if not withdrawn:
            found[uscc].append(DatedAttestation(source, item, attester, place, value, first, after))
    return dict(found)


def list_attestations(party: Party, as_known: date) -> list[dict[str, Any]]:
    """What stands attested of a party as known on a day, by item and first day; values as JSON writes them."""
    columns = ("source", "attester", "item", "value", "valid_from", "valid_to", "known_from", "document")
    rows = _latest(Attestation.objects.filter(party=party), as_known).values(*columns, "withdrawn")
    return [{name: row[name] for name in columns} for row in rows if not row["withdrawn"]]


def _latest(rows: QuerySet[Attestation], as_known: date) -> QuerySet[Attestation]:
    """Of what one attester says of a party and item from one day on, what was last known by a day."""
    return rows.filter(known_from__lte=as_known).order_by(*_ONE, "-known_from").distinct(*_ONE)
