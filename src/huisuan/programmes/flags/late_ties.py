"""Ties and relations that were entered after somebody acted: what would have been refused had they been known.

What holds on the day of an act, as it is known now, is compared with who did it: every step, what is done beside the
steps (results, contracts, opinions, checks on site, orders), score sheets and votes. Each finding is a flag on the
application, answered with a reason by somebody else than the person whom it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from django.db import transaction

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Relation, Succession
from huisuan.parties.relation_history import relations_known
from huisuan.programmes.flags.official_acts import OfficialAct, acts_of_employed, acts_of_experts, acts_of_tied
from huisuan.programmes.flags.raised import FoundFlag, store_flags
from huisuan.programmes.models import ApplicationFlag, ExpertTie, FlagReason
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import EXCLUSION_NAMES, Exclusion, ReviewedApplication, find_exclusion
from huisuan.programmes.review.plan import plan_of

_ANY_LOAD = 1 << 30


@transaction.atomic
def look_back(now: datetime) -> list[ApplicationFlag]:
    """Raise what is known today and was not when somebody acted; returns what is new."""
    today = now.astimezone(SHANGHAI).date()
    return store_flags([*_once(_acts_of_tied()), *_once(_acts_of_related(today)), *_judged_by_tied(today)], now)


@transaction.atomic
def look_back_at_relations(sender: object, *, parties: set[int], at: datetime, **_signal: Any) -> None:
    """The same for relations that are being entered, in their transaction: `parties` are those at their ends.

    Looked at are officials of these parties, and experts and applicants whom relations lead to from there.
    """
    today, reached = at.astimezone(SHANGHAI).date(), _reached(parties)
    store_flags([*_once(_acts_of_related(today, parties)), *_judged_by_tied(today, reached)], at)


def _reached(parties: set[int]) -> set[int]:
    """These parties and all that relations and successions of any day lead to from them."""
    beside: dict[int, set[int]] = defaultdict(set)
    for first, second in [
        *Relation.objects.values_list("owner", "owned"), *Succession.objects.values_list("old", "new"),
    ]:  # fmt: skip
        beside[first].add(second)
        beside[second].add(first)
    found, new = set(parties), set(parties)
    while new := {other for one in new for other in beside[one]} - found:
        found |= new
    return found


def _once(found: Iterable[FoundFlag]) -> Iterator[FoundFlag]:
    """One flag for what somebody did at one instant: a step and what it wrote are one act."""
    seen = set()
    for each in found:
        key = (each.application.pk, each.saw["person"], each.saw["at"])
        if key not in seen:
            seen.add(key)
            yield each


def _acts_of_tied() -> Iterator[FoundFlag]:
    """Official acts by people of the pool who had a tie to the applicant that day, entered later."""
    acts = list(acts_of_tied())
    held: dict[tuple[int, int | None], list[ExpertTie]] = defaultdict(list)
    people = {act.person.pk for act in acts}
    for tie in ExpertTie.objects.filter(expert__person__in=people).select_related("expert"):
        held[tie.expert.person_id, tie.party_id].append(tie)
    for act in acts:
        day = _day(act.at)
        for tie in held[act.person.pk, act.application.party_id]:
            if tie.starts <= day and (tie.ends is None or day < tie.ends) and tie.at > act.at:
                yield _of_act(act, {"tie": tie.kind, "starts": tie.starts.isoformat(), "entered_at": _shown(tie.at)})


def _acts_of_related(today: date, among: set[int] | None = None) -> Iterator[FoundFlag]:
    """Official acts by people whose own party had a relation with the applicant that day, entered later."""
    pairs: dict[tuple[int, int], list[OfficialAct]] = defaultdict(list)
    for act in acts_of_employed(among):
        if act.person.party_id is not None and act.application.party_id is not None:
            pairs[act.person.party_id, act.application.party_id].append(act)
    parties = {party for pair in pairs for party in pair}
    for held in relations_known(today).filter(owner__in=parties, owned__in=parties):
        for key in ((held.owner_id, held.owned_id), (held.owned_id, held.owner_id)):
            for act in pairs.get(key, ()):
                day = _day(act.at)
                holds = held.valid_from <= day and (held.valid_to is None or day < held.valid_to)
                if holds and held.at > act.at:
                    since = held.valid_from.isoformat()
                    yield _of_act(act, {"tie": "relation", "starts": since, "entered_at": _shown(held.at)})


def _judged_by_tied(today: date, among: set[int] | None = None) -> Iterator[FoundFlag]:
    """By experts who, by what is known today, could not have judged on the day on which they did."""
    together: dict[tuple[date, int], list[OfficialAct]] = defaultdict(list)
    for act in acts_of_experts(among):
        together[_day(act.at), plan_of(act.application).tie_years].append(act)
    for (day, years), acts in together.items():
        parties = [act.application.party for act in acts if act.application.party is not None]
        sides = load_applicant_sides(parties, day, as_known=today)
        names = {act.person.username for act in acts}
        people = {each.key: each for each in load_drawn_experts(sides.values(), day, years, {}, names, as_known=today)}
        for act in acts:
            if act.application.party_id is None or act.person.username not in people:
                continue
            side = sides[act.application.party_id]
            row = ReviewedApplication(act.application.number, "", side.parties, side.city)
            bar = find_exclusion(row, people[act.person.username], _ANY_LOAD)
            if bar in (Exclusion.TIE, Exclusion.CONTROL):
                yield _of_act(act, {"known_on": today.isoformat(), "tie": bar.value, "why": EXCLUSION_NAMES[bar]})


def _of_act(act: OfficialAct, tie: dict[str, str]) -> FoundFlag:
    saw = {"person": act.person.username, "act": act.act, "at": _shown(act.at)} | tie
    return FoundFlag(FlagReason.LATE_RELATION, act.application, act.about, saw=saw)


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()
