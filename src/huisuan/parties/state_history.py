"""The states of parties by day, what was attested of them, who took whose place: read as it was known on a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet

from huisuan.parties.models import Attestation, Party, StateChange, Succession
from huisuan.parties.party_state import DatedAttestation, DatedValue, PartyState, StateSpan, state_on_day, state_spans

_ONE = ("party_id", "source", "item", "attester", "valid_from")
_COLUMNS = ("what", "value", "before", "valid_from", "valid_to", "known_from", "pk")


def load_state_spans(starts: date, ends: date, as_known: date) -> list[StateSpan]:
    """Every party's states within [starts, ends), by USCC and day, as known on a day."""
    changes, attested = load_state_changes(), load_attestations(as_known)
    found: list[StateSpan] = []
    rows = Party.objects.order_by("uscc").values_list("uscc", "kind", "region_id", "status", "registered_on")
    for uscc, kind, region, status, registered in rows:
        state = PartyState(kind, region, status, registered)
        if uscc not in changes and uscc not in attested and (registered is None or registered <= starts):
            found.append(StateSpan(uscc, starts, ends, state))  # nearly all of them
        else:
            own, said = changes.get(uscc, ()), attested.get(uscc, ())
            found += state_spans(uscc, state, own, starts, ends, as_known, said)
    return found


def load_changed_spans(starts: date, ends: date, as_known: date) -> list[StateSpan]:
    """The same of the parties of which the register ever said something else: nearly all have none."""
    changes = load_state_changes()
    changed = Party.objects.filter(uscc__in=list(changes)) if changes else Party.objects.none()
    return [
        span
        for party in changed
        for span in state_spans(party.uscc, present_state(party), changes[party.uscc], starts, ends, as_known)
    ]


def states_on(parties: Iterable[Party], day: date, as_known: date) -> dict[str, PartyState]:
    """By USCC the state of each of some parties on a day, as known on a day."""
    wanted = {party.uscc: present_state(party) for party in parties}
    changes, attested = load_state_changes(wanted), load_attestations(as_known, wanted)
    return {
        uscc: state_on_day(state, changes.get(uscc, ()), day, as_known, attested.get(uscc, ()))
        for uscc, state in wanted.items()
    }


def present_state(party: Party) -> PartyState:
    """What stands of a party now."""
    return PartyState(party.kind, party.region_id, party.status, party.registered_on)


def load_state_changes(usccs: Iterable[str] | None = None) -> Mapping[str, list[DatedValue]]:
    """By USCC the changes of each party that has some, in order of entry; `usccs`: only of these."""
    rows = StateChange.objects.order_by("pk")
    if usccs is not None:
        rows = rows.filter(party__uscc__in=list(usccs))
    found: dict[str, list[DatedValue]] = defaultdict(list)
    for uscc, *values in rows.values_list("party__uscc", *_COLUMNS):
        found[uscc].append(DatedValue(*values))
    return dict(found)


def load_heirs(until: date, as_known: date) -> dict[str, str]:
    """By USCC of a party whose claims another one carries, that other: the last in line.

    Only what began before `until` and was known on a day.
    """
    rows = Succession.objects.filter(carries=True, valid_from__lt=until, known_from__lte=as_known)
    next_of = dict(rows.values_list("old__uscc", "new__uscc"))
    found = {}
    for old in next_of:
        heir = old
        while heir in next_of:
            heir = next_of[heir]
        found[old] = heir
    return found


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
