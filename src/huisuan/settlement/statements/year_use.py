"""A firm's use of a year in stretches of days on which nothing that a rule asks about changes: so far, and to come.

What is to come goes on at each centre's own pace of the year so far: fen per second of what has passed, for the
seconds of the stretch that are left.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import connection

from huisuan.base.months import midnight
from huisuan.compute.models import Centre
from huisuan.parties.affiliation import Reach, find_affiliations
from huisuan.parties.models import Party
from huisuan.parties.party_state import StateSpan, state_spans
from huisuan.parties.relation_history import load_holdings
from huisuan.parties.state_history import load_attestations, load_state_changes, present_state

_HOUR = 3600
_USED = """
SELECT u.centre_id, u.day, sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0))
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = %s AND u.day >= %s AND u.day < %s GROUP BY 1, 2
"""
_OwnDays = Mapping[Reach, Mapping[int, Collection[tuple[date, date]]]]  # by reach and centre


@dataclass(frozen=True)
class UseStretch:
    """Use of a party at one centre on [starts, ends), in fen exactly; `own`: by which reaches it is self-use there."""

    party: str
    starts: date
    ends: date
    region: str
    own: frozenset[Reach]
    so_far: Fraction
    to_come: Fraction

    def fen(self, whole: bool) -> Fraction:
        """The use so far, or (`whole`) with what is to come."""
        return self.so_far + self.to_come if whole else self.so_far


def load_states(party: Party, first: date, ends: date, as_known: date) -> list[StateSpan]:
    """What the register says of a firm within [first, ends), as known on a day."""
    changes = load_state_changes([party.uscc]).get(party.uscc, ())
    attested = load_attestations(as_known, [party.uscc]).get(party.uscc, ())
    return list(state_spans(party.uscc, present_state(party), changes, first, ends, as_known, attested))


def load_year_use(
    party: Party, first: date, ends: date, reaches: Collection[Reach], edges: Iterable[date], now: datetime,
    as_known: date,
) -> list[UseStretch]:  # fmt: skip
    """The use of [first, ends) by stretch and centre; `edges` are the days on which something changes."""
    own = {reach: _own_days(party, first, ends, as_known, reach) for reach in reaches}
    changes = {day for spans in own.values() for found in spans.values() for span in found for day in span}
    days = sorted({first, ends, *(day for day in {*edges, *changes} if first < day < ends)})
    stretches = list(itertools.pairwise(days))
    regions = dict(Centre.objects.values_list("pk", "region_id"))
    present, begins = int(now.timestamp()), midnight(first)
    found = []
    for centre, used in _used_by_centre(party, first, ends).items():
        pace = sum(used.values(), Fraction(0)) / (present - begins) if present > begins else Fraction(0)
        for starts, until in stretches:
            left = max(midnight(until) - max(midnight(starts), present), 0)
            so_far = sum((fen for day, fen in used.items() if starts <= day < until), Fraction(0))
            mine = frozenset(reach for reach in reaches if _is_own(own, reach, centre, starts))
            found.append(UseStretch(party.uscc, starts, until, regions[centre], mine, so_far, pace * left))
    return found


def _is_own(own: _OwnDays, reach: Reach, centre: int, day: date) -> bool:
    return any(starts <= day < ends for starts, ends in own[reach].get(centre, ()))


def _used_by_centre(party: Party, first: date, ends: date) -> dict[int, dict[date, Fraction]]:
    found: dict[int, dict[date, Fraction]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_USED, [party.pk, first, ends])
        for centre, day, scaled in cursor.fetchall():
            found.setdefault(centre, {})[day] = Fraction(int(scaled), _HOUR)
    return found


def _own_days(
    party: Party, first: date, ends: date, as_known: date, reach: Reach
) -> dict[int, list[tuple[date, date]]]:
    """By centre the spans of days on which it is the firm's own, as the settlement finds them."""
    centres: dict[str, list[int]] = {}
    for pk, operator in Centre.objects.values_list("pk", "operator__uscc"):
        centres.setdefault(operator, []).append(pk)
    pairs = [(party.uscc, operator) for operator in centres]
    found: dict[int, list[tuple[date, date]]] = {}
    holdings = load_holdings(first, ends, as_known)
    for span in find_affiliations(holdings, pairs, starts=first, ends=ends, reach=reach):
        for centre in centres[span.operator]:
            found.setdefault(centre, []).append((span.starts, span.ends))
    return found
