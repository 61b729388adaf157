"""Who uses its own: whether a user and a centre's operator are one, or under one control, on which days.

Sentence 2.2 leaves out what is self-built-self-use (自建自用除外). How far "self" reaches is an interpretation:
`same` (the party itself) or `control` (also parties under common control: by agreement, or by more than half of
the shares held directly and through controlled parties). Pure: relations in, spans of days out.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Reach: TypeAlias = Literal["same", "control"]
_MAJORITY_PERMILLE = 500  # control takes more than this


@dataclass(frozen=True)
class OwnershipRelation:
    """A relation as registered: `owner` holds `permille` of `owned`, or controls it, on [starts, ends)."""

    owner: str
    owned: str
    permille: int
    control: bool
    starts: date
    ends: date | None


@dataclass(frozen=True)
class AffiliationSpan:
    """User and operator belong together on [starts, ends), and why."""

    user: str
    operator: str
    starts: date
    ends: date
    why: str


def find_affiliations(
    holdings: Iterable[OwnershipRelation], pairs: Iterable[tuple[str, str]], *, starts: date, ends: date, reach: Reach
) -> list[AffiliationSpan]:
    """The spans within [starts, ends) on which each (user, operator) pair is affiliated.

    Spans of one pair neither overlap nor touch with the same reason.
    """
    held = [
        relation
        for relation in holdings
        if relation.starts < ends and (relation.ends is None or relation.ends > starts)
    ]
    edges = {starts, ends}
    for relation in held:
        edges |= {day for day in (relation.starts, relation.ends) if day is not None and starts < day < ends}
    days = sorted(edges)
    wanted = sorted(set(pairs))
    found: list[AffiliationSpan] = []
    for first, last in itertools.pairwise(days):
        controllers = (
            _controllers([relation for relation in held if _holds_on(relation, first)]) if reach == "control" else {}
        )
        for user, operator in wanted:
            why = _reason(user, operator, controllers)
            if why:
                found.append(AffiliationSpan(user, operator, first, last, why))
    return list(_merge_adjacent(sorted(found, key=lambda span: (span.user, span.operator, span.starts))))


def find_related(holdings: Iterable[OwnershipRelation], party: str) -> frozenset[str]:
    """Who belongs together with a party: it controls them, they control it, a third controls both."""
    controllers = _controllers(list(holdings))
    above = controllers.get(party, frozenset())
    beside = {other for other, owners in controllers.items() if party in owners or owners & above}
    return frozenset((above | beside) - {party})


def find_control(holdings: Iterable[OwnershipRelation], pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Of the pairs that belong together, who controls both: one of them, or a third. `holdings` are of one day."""
    controllers = _controllers(list(holdings))
    found = {}
    for first, second in pairs:
        above_first, above_second = controllers.get(first, frozenset()), controllers.get(second, frozenset())
        direct = [who for who, above in ((first, above_second), (second, above_first)) if who in above]
        if common := direct or sorted(above_first & above_second):
            found[first, second] = common[0]
    return found


def _holds_on(holding: OwnershipRelation, day: date) -> bool:
    return holding.starts <= day and (holding.ends is None or day < holding.ends)


def _controllers(holdings: list[OwnershipRelation]) -> Mapping[str, frozenset[str]]:
    """For each party, who controls it, directly or through others."""
    by_owner: dict[str, list[OwnershipRelation]] = defaultdict(list)
    for holding in holdings:
        by_owner[holding.owner].append(holding)
    controllers: dict[str, set[str]] = defaultdict(set)
    for owner in by_owner:
        for controlled in _controlled_by(owner, by_owner):
            controllers[controlled].add(owner)
    return {party: frozenset(owners) for party, owners in controllers.items()}


def _controlled_by(owner: str, by_owner: Mapping[str, list[OwnershipRelation]]) -> set[str]:
    """Everything that the owner controls: shares held by what it controls count as its own."""
    controlled: set[str] = set()
    shares: dict[str, int] = defaultdict(int)
    fresh = [owner]
    while fresh:
        holder = fresh.pop()
        for holding in by_owner.get(holder, ()):
            if holding.owned == owner or holding.owned in controlled:
                continue
            shares[holding.owned] += holding.permille
            if holding.control or shares[holding.owned] > _MAJORITY_PERMILLE:
                controlled.add(holding.owned)
                fresh.append(holding.owned)
    return controlled


def _reason(user: str, operator: str, controllers: Mapping[str, frozenset[str]]) -> str:
    if user == operator:
        return "使用方即运营方"
    above_user, above_operator = controllers.get(user, frozenset()), controllers.get(operator, frozenset())
    if operator in above_user:
        return f"运营方 {operator} 控制使用方"
    if user in above_operator:
        return f"使用方控制运营方 {operator}"
    common = sorted(above_user & above_operator)
    return f"同受 {common[0]} 控制" if common else ""


def _merge_adjacent(spans: Iterable[AffiliationSpan]) -> Iterator[AffiliationSpan]:
    last: AffiliationSpan | None = None
    for span in spans:
        same = last is not None and (last.user, last.operator, last.why, last.ends) == (
            span.user, span.operator, span.why, span.starts,
        )  # fmt: skip
        if same and last is not None:
            last = AffiliationSpan(last.user, last.operator, last.starts, span.ends, last.why)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
