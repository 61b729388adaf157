"""Who of the pool may not review whose application on a day: read from the registers, set by set.

A tie counts while it lasts and for some years after its end. A former employer is one, from the pool's own entries; so
is the party that the account itself belongs to. The employer must be on no control path to the applicant or its city,
nor bear the applicant's name where only a name is known of it. An applicant is also whoever it took the place of.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from huisuan.parties.affiliation import find_affiliations
from huisuan.parties.models import Party, PartyKind, Succession
from huisuan.parties.relation_history import load_holdings
from huisuan.programmes.models import ExpertEntry, ExpertTie
from huisuan.programmes.review.draw import DrawnExpert
from huisuan.programmes.review.pool_import import normalise_name


@dataclass(frozen=True)
class ApplicantSide:
    """The parties that are an applicant (it, and whoever it took the place of) and those that are its city, by code."""

    parties: frozenset[str]
    city: frozenset[str]


def load_applicant_sides(
    applicants: Iterable[Party], day: date, *, as_known: date | None = None
) -> dict[int, ApplicantSide]:
    """Both sides of every applicant on a day, by its row id, in three queries whatever their number.

    `as_known`: by what was known on that day; left out, on the day itself.
    """
    by_id = {party.pk: party for party in applicants}
    old_of: dict[int, set[int]] = defaultdict(set)
    for new, old in Succession.objects.filter(known_from__lte=as_known or day).values_list("new_id", "old_id"):
        old_of[new].add(old)
    members = {pk: _with_all_before(pk, old_of) for pk in by_id}
    everybody = {one for each in members.values() for one in each}
    codes = dict(Party.objects.filter(pk__in=everybody).values_list("pk", "uscc"))
    cities: dict[str, set[str]] = defaultdict(set)
    for region, code in Party.objects.filter(kind=PartyKind.CITY).values_list("region_id", "uscc"):
        cities[region].add(code)
    return {
        pk: ApplicantSide(
            frozenset(codes[one] for one in members[pk]), frozenset(cities.get(party.region_id, ()))
        )
        for pk, party in by_id.items()
    }  # fmt: skip


def load_drawn_experts(
    sides: Iterable[ApplicantSide],
    day: date,
    years: int,
    loads: Mapping[str, int],
    only: Iterable[str] | None = None,
    *,
    as_known: date | None = None,
) -> list[DrawnExpert]:
    """Every expert as a draw on that day sees it; `only` these usernames. `loads` are reviews taken on in the year.

    `as_known`: by the ties and relations that were known on that day; left out, on the day itself.
    """
    wanted = list(sides)
    asked = {code for side in wanted for code in side.parties | side.city}
    since = _years_before(day, years)
    entries = _entries_until(day, only)
    by_expert: dict[int, list[ExpertEntry]] = defaultdict(list)
    for entry in entries:
        by_expert[entry.expert_id].append(entry)
    known = as_known or day
    tied = _load_ties(day, since, only, known)
    for expert, own in by_expert.items():
        for former, later in itertools.pairwise(own):
            if former.employer is not None and later.known_from > since:
                tied[expert].add(former.employer.uscc)
    current = {expert: own[-1] for expert, own in by_expert.items()}
    controlled = _load_controlled(current.values(), asked, day, known)
    found = []
    for expert, entry in current.items():
        person = entry.expert.person
        if person.party is not None:
            tied[expert].add(person.party.uscc)
        found.append(
            DrawnExpert(
                key=person.username,
                fields=frozenset(entry.fields),
                tied=frozenset(tied[expert] & asked),
                controlled=controlled[expert],
                load=loads.get(person.username, 0),
                active=person.is_active and is_active_on(entry, day),
            )
        )
    return found


def is_active_on(entry: ExpertEntry, day: date) -> bool:
    """Whether the expert takes reviews on that day."""
    return entry.active_from <= day and (entry.active_until is None or day < entry.active_until)


def _with_all_before(party: int, old_of: Mapping[int, set[int]]) -> set[int]:
    found, fresh = {party}, [party]
    while fresh:
        new = old_of.get(fresh.pop(), set()) - found
        found |= new
        fresh += new
    return found


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _entries_until(day: date, only: Iterable[str] | None) -> QuerySet[ExpertEntry]:
    entries = ExpertEntry.objects.filter(known_from__lte=day).select_related(
        "expert__person__party", "employer"
    )  # fmt: skip
    if only is not None:
        entries = entries.filter(expert__person__username__in=list(only))
    return entries.order_by("expert_id", "id")


def _load_ties(day: date, since: date, only: Iterable[str] | None, known: date) -> dict[int, set[str]]:
    ties = ExpertTie.objects.filter(Q(ends__isnull=True) | Q(ends__gt=since), starts__lte=day, known_from__lte=known)
    if only is not None:
        ties = ties.filter(expert__person__username__in=list(only))
    found: dict[int, set[str]] = defaultdict(set)
    for expert, code in ties.values_list("expert_id", "party__uscc"):
        found[expert].add(code)
    return found


def _load_controlled(
    entries: Iterable[ExpertEntry], asked: set[str], day: date, known: date
) -> dict[int, frozenset[str]]:
    """By expert: which of the asked parties are the employer, are on one control path with it, or bear its name."""
    people = list(entries)
    named: dict[str, set[str]] = defaultdict(set)
    for name, code in Party.objects.filter(uscc__in=asked).values_list("name", "uscc"):
        named[normalise_name(name)].add(code)
    employers = {entry.employer.uscc for entry in people if entry.employer is not None}
    held = load_holdings(day, day + timedelta(days=1), known)
    linked = {code for each in held for code in (each.owner, each.owned)}
    # who has no relation at all can only be on a path with itself: most pairs need no look
    pairs = [(one, other) for one in employers & linked for other in asked & linked]
    reach: dict[str, set[str]] = {code: {code} & asked for code in employers}
    for span in find_affiliations(held, pairs, starts=day, ends=day + timedelta(days=1), reach="control"):
        reach[span.user].add(span.operator)
    return {
        entry.expert_id: frozenset(
            named.get(normalise_name(entry.employer_name), set())
            | (reach[entry.employer.uscc] if entry.employer is not None else set())
        )
        for entry in people
    }
