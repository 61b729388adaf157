"""What the register says of a party, by day, as it was known on a day. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, order=True)
class AttestedValue:
    """What somebody at a place attests: `source` is a city or a centre, `value` as JSON writes it."""

    source: str
    item: str
    place: str
    value: str


@dataclass(frozen=True)
class PartyState:
    """What bears on rules: kind, region (GB/T 2260; None: registered nowhere yet), status, day of its registration.

    `attested`: what cities and centres attest of it, in order.
    """

    kind: str
    region: str | None
    status: str = "active"
    registered_on: date | None = None
    attested: tuple[AttestedValue, ...] = ()


@dataclass(frozen=True)
class StateSpan:
    """A party (USCC) is in this state on [starts, ends)."""

    uscc: str
    starts: date
    ends: date
    state: PartyState


@dataclass(frozen=True)
class DatedValue:
    """What is said of a field of a party's state on [valid_from, valid_to), known since a day; `number`: as entered.

    `before`: what was said for that day when this was entered.
    """

    what: str
    value: str
    before: str
    valid_from: date
    valid_to: date | None
    known_from: date
    number: int


@dataclass(frozen=True)
class DatedAttestation:
    """What an attester says of an item of a party on [valid_from, valid_to)."""

    source: str
    item: str
    attester: str
    place: str
    value: str
    valid_from: date
    valid_to: date | None


def attested_on_day(attested: Collection[DatedAttestation], day: date) -> tuple[AttestedValue, ...]:
    """What is attested on a day: of one attester and item what begins latest among what holds."""
    holding: dict[tuple[str, str, str], DatedAttestation] = {}
    for each in attested:
        if each.valid_from <= day and (each.valid_to is None or day < each.valid_to):
            key = each.source, each.item, each.attester
            if key not in holding or holding[key].valid_from < each.valid_from:
                holding[key] = each
    return tuple(sorted({AttestedValue(one.source, one.item, one.place, one.value) for one in holding.values()}))


def state_on_day(
    present: PartyState, changes: Collection[DatedValue], day: date, as_known: date,
    attested: Collection[DatedAttestation] = (),
) -> PartyState:  # fmt: skip
    """The state on a day, as known on a day; `present` is what stands without any change.

    `attested` is what was known by then to be attested.

    Before the day of its registration a party is registered nowhere, unless a change says where it was.
    """
    registered = _said("registered_on", _text(present.registered_on), changes, day, as_known)
    registered_on = date.fromisoformat(registered) if registered else None
    region: str | None = _said("region", present.region or "", changes, day, as_known) or None
    if not _holds("region", changes, day, as_known) and registered_on is not None and day < registered_on:
        region = None
    return PartyState(
        _said("kind", present.kind, changes, day, as_known), region,
        _said("status", present.status, changes, day, as_known), registered_on, attested_on_day(attested, day),
    )  # fmt: skip


def state_spans(
    uscc: str, present: PartyState, changes: Collection[DatedValue], starts: date, ends: date, as_known: date,
    attested: Collection[DatedAttestation] = (),
) -> Iterator[StateSpan]:  # fmt: skip
    """The states within [starts, ends) in order, as known on a day; none twice in a row."""
    edges = {starts}
    for each in attested:
        edges |= {day for day in (each.valid_from, each.valid_to) if day is not None}
    for change in changes:
        edges |= {day for day in (change.valid_from, change.valid_to) if day is not None}
        if change.what == "registered_on":
            edges |= {date.fromisoformat(text) for text in (change.value, change.before) if text}
    if present.registered_on is not None:
        edges.add(present.registered_on)
    days = sorted(day for day in edges if starts <= day < ends)
    first, state = days[0], state_on_day(present, changes, days[0], as_known, attested)
    for day in days[1:]:
        other = state_on_day(present, changes, day, as_known, attested)
        if other != state:
            yield StateSpan(uscc, first, day, state)
            first, state = day, other
    yield StateSpan(uscc, first, ends, state)


def _said(what: str, present: str, changes: Collection[DatedValue], day: date, as_known: date) -> str:
    holding = _holds(what, changes, day, as_known)
    if holding:
        return max(holding, key=lambda change: (change.valid_from, change.known_from, change.number)).value
    entered = [change for change in changes if change.what == what]
    return min(entered, key=lambda change: change.number).before if entered else present


def _holds(what: str, changes: Collection[DatedValue], day: date, as_known: date) -> list[DatedValue]:
    """The changes of a field that hold on a day, as known on a day."""
    return [
        change
        for change in changes
        if change.what == what
        and change.known_from <= as_known
        and change.valid_from <= day
        and (change.valid_to is None or day < change.valid_to)
    ]


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def lies_within(region: str | None, places: tuple[str, ...]) -> bool:
    """Whether a region is one of the places or lies in one (340000: the province, all of it); no place: anywhere."""
    return not places or (region is not None and any(region.startswith(region_prefix(place)) for place in places))


def region_prefix(place: str) -> str:
    """What the codes of all that lies in a region begin with: 34 of 340000, 3402 of 340200."""
    return place[:2] if place.endswith("0000") else place[:4] if place.endswith("00") else place
