"""The draw of panels: random from a seed, reproducible by anyone, and the best that the rules allow.

Every application gets a panel of experts whose fields fit, who have no tie to the applicant and whose employer is on
no control path to it or its city; nobody above the most reviews of a year; loads as even as can be. Among all such
draws the one with the least sum of random costs is taken; the cost of a pair is the first four bytes of the SHA-256 of
`seed|application|expert`, so the order of rows decides nothing. Pure: no database, no clock.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from huisuan.base.errors import InvalidRequest
from huisuan.programmes.review.assignment import COST_BITS, Costs, Pairs, assign, assign_what_can_be

_MOST_LINES = 20  # of applications that a refusal names


class Exclusion(StrEnum):
    """Why an expert cannot sit on a panel; the first that holds, in this order, is the one that is counted."""

    INACTIVE = "inactive"
    FIELD = "field"
    TIE = "tie"
    CONTROL = "control"
    SERVED = "served"
    LOAD = "load"


EXCLUSION_NAMES = {
    Exclusion.INACTIVE: "当日不在库",
    Exclusion.FIELD: "领域不符",
    Exclusion.TIE: "与申报单位有利害关系",
    Exclusion.CONTROL: "所在单位与申报单位或其所在市有控制关系",
    Exclusion.SERVED: "已在该件有过席位，或在该件另有职责",
    Exclusion.LOAD: "评审件数已满",
}


@dataclass(frozen=True)
class ReviewedApplication:
    """What the draw needs to know of an application.

    `parties` is the applicant with those whose place it took; `city` the parties that are its city; an empty `field`
    fits every expert.
    """

    key: str
    field: str
    parties: frozenset[str]
    city: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DrawnExpert:
    """What the draw needs to know of an expert: parties with a tie, parties on a control path to the employer.

    `load` is the number of reviews taken on in the year before this draw; `served` names the applications in which the
    expert had a seat before, or has another duty.
    """

    key: str
    fields: frozenset[str]
    tied: frozenset[str] = frozenset()
    controlled: frozenset[str] = frozenset()
    load: int = 0
    active: bool = True
    served: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DrawTerms:
    """How large a panel is (odd), how many alternates it gets, and how many reviews an expert takes in a year."""

    seed: str
    panel: int
    most_reviews: int
    alternates: int

    def __post_init__(self) -> None:
        """Check them.

        Raises:
            InvalidRequest: an even panel, nobody to review, or no seed.
        """
        if self.panel < 1 or self.panel % 2 == 0:
            raise InvalidRequest(f"评审组 {self.panel} 人：须是单数，才不会票数相等", code="experts.panel_even")
        if self.most_reviews < 1 or self.alternates < 0:
            raise InvalidRequest("每位专家至少评 1 件，候补不少于 0 人", code="experts.terms_wrong")
        if not self.seed or len(self.seed) > 200 or not self.seed.isprintable():
            raise InvalidRequest("抽签须有种子（1 至 200 个可见字符），事前公布", code="experts.seed_missing")


@dataclass(frozen=True)
class Panel:
    """Who reviews an application, by random cost, and who follows in which order where one of them falls out."""

    application: str
    members: tuple[str, ...]
    alternates: tuple[str, ...]


@dataclass(frozen=True)
class PanelShortage:
    """How many experts an application lacks, and how many each rule took."""

    application: str
    lacking: int
    taken_by: Mapping[Exclusion, int]

    def __str__(self) -> str:
        took = (
            "，".join(f"{EXCLUSION_NAMES[rule]} {number} 人" for rule, number in self.taken_by.items())
            or "库里没有专家"
        )
        return f"{self.application} 缺 {self.lacking} 人（{took}）"


class TooFewExperts(InvalidRequest):
    """The panels cannot be filled; nothing was drawn. `shortages` says which lack how many, and why."""

    def __init__(self, shortages: Sequence[PanelShortage]) -> None:
        shown = "\n".join(str(shortage) for shortage in shortages[:_MOST_LINES])
        more = f"\n……共 {len(shortages)} 件" if len(shortages) > _MOST_LINES else ""
        super().__init__(
            f"专家不够，没有抽签；请增补专家或放宽每人件数：\n{shown}{more}", code="experts.too_few_experts"
        )
        self.shortages = tuple(shortages)


def find_exclusion(application: ReviewedApplication, expert: DrawnExpert, most_reviews: int) -> Exclusion | None:
    """The first rule under which the expert cannot review the application; None: may review it."""
    if not expert.active:
        return Exclusion.INACTIVE
    if application.field and application.field not in expert.fields:
        return Exclusion.FIELD
    if expert.tied & application.parties:
        return Exclusion.TIE
    if expert.controlled & (application.parties | application.city):
        return Exclusion.CONTROL
    if application.key in expert.served:
        return Exclusion.SERVED
    return Exclusion.LOAD if expert.load >= most_reviews else None


def draw_panels(
    applications: Sequence[ReviewedApplication], experts: Sequence[DrawnExpert], terms: DrawTerms
) -> tuple[Panel, ...]:
    """A panel for each application, in the order of their keys.

    Raises:
        TooFewExperts: not every panel can be filled.
        InvalidRequest: an application or expert is there twice.
    """
    rows = sorted(applications, key=lambda each: each.key)
    people = sorted(experts, key=lambda each: each.key)
    for keys in ([each.key for each in rows], [each.key for each in people]):
        twice = [key for key, number in Counter(keys).items() if number > 1]
        if twice:
            raise InvalidRequest(f"{'、'.join(twice[:5])} 出现了不止一次", code="experts.drawn_twice")
    allowed = _allowed(rows, people, terms.most_reviews)
    costs = _random_costs(terms.seed, [each.key for each in rows], [each.key for each in people])
    loads = np.array([each.load for each in people], np.int64)
    enough = bool((allowed.sum(axis=1) >= terms.panel).all())
    found = assign(costs, allowed, terms.panel, loads, terms.most_reviews) if enough else None
    if found is None:
        lacking = assign_what_can_be(costs, allowed, terms.panel, loads, terms.most_reviews)
        raise TooFewExperts(_explain(rows, people, terms, [int(number) for number in lacking]))
    free = loads + found.taken.sum(axis=0) < terms.most_reviews
    return tuple(
        Panel(
            row.key,
            _by_cost(people, costs[at], found.taken[at]),
            _by_cost(people, costs[at], allowed[at] & ~found.taken[at] & free)[: terms.alternates],
        )
        for at, row in enumerate(rows)
    )


def _allowed(rows: Sequence[ReviewedApplication], people: Sequence[DrawnExpert], most_reviews: int) -> Pairs:
    """Who may review what, as `find_exclusion` says it, by field and party instead of pair by pair."""
    fields: dict[str, list[int]] = defaultdict(list)
    tied: dict[str, list[int]] = defaultdict(list)
    controlled: dict[str, list[int]] = defaultdict(list)
    served: dict[str, list[int]] = defaultdict(list)
    ready = np.array([each.active and each.load < most_reviews for each in people], bool)
    for at, expert in enumerate(people):
        for found, keys in (
            (fields, expert.fields), (tied, expert.tied), (controlled, expert.controlled), (served, expert.served),
        ):  # fmt: skip
            for key in keys:
                found[key].append(at)
    allowed = np.zeros((len(rows), len(people)), bool)
    for at, row in enumerate(rows):
        if row.field:
            allowed[at, fields.get(row.field, [])] = True
            allowed[at] &= ready
        else:
            allowed[at] = ready
        for party in row.parties:
            allowed[at, tied.get(party, [])] = False
        for party in row.parties | row.city:
            allowed[at, controlled.get(party, [])] = False
        allowed[at, served.get(row.key, [])] = False
    return allowed


def random_cost(seed: str, application: str, expert: str) -> int:
    """The random cost of a pair, in [0, 2**32): the first four bytes of the SHA-256 of `seed|application|expert`."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{application}|{expert}".encode()).digest()[: COST_BITS // 8])


def _random_costs(seed: str, applications: Sequence[str], experts: Sequence[str]) -> Costs:
    """`random_cost` of every pair; what they have in common is hashed once."""
    names = [expert.encode() for expert in experts]
    costs = np.empty((len(applications), len(experts)), np.int64)
    for at, application in enumerate(applications):
        begun = hashlib.sha256(f"{seed}|{application}|".encode())
        for expert, name in enumerate(names):
            digest = begun.copy()
            digest.update(name)
            costs[at, expert] = int.from_bytes(digest.digest()[: COST_BITS // 8])
    return costs


def _by_cost(people: Sequence[DrawnExpert], costs: Costs, chosen: Pairs) -> tuple[str, ...]:
    found = np.nonzero(chosen)[0]
    return tuple(people[at].key for at in found[np.argsort(costs[found], kind="stable")])


def _explain(
    rows: Sequence[ReviewedApplication], people: Sequence[DrawnExpert], terms: DrawTerms, lacking: Sequence[int]
) -> list[PanelShortage]:
    """Which rule took how many experts of each application that lacks some.

    Whoever may review it and was not given to it is full with other applications of the same draw.
    """
    found: list[PanelShortage] = []
    for row, missing in zip(rows, lacking, strict=True):
        if not missing:
            continue
        bars = Counter(find_exclusion(row, expert, terms.most_reviews) for expert in people)
        left = bars.pop(None, 0) - (terms.panel - missing)
        bars[Exclusion.LOAD] += left
        found.append(PanelShortage(row.key, missing, {bar: bars[bar] for bar in Exclusion if bars[bar]}))
    return found
