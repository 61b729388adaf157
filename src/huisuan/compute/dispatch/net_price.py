"""What of a job's price comes back under the law: asked of the rules themselves, so that it is written nowhere twice.

Rules pay a share of a year's spend, so what they pay for one job is known only when the year is over; what is told here
is the share they would pay of this job's spend at a place, by the settings adopted on the day, each after those that
pay before it for the same. The rules are those that the platform settles by itself (`compute.fact_sources`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from huisuan.compute.fact_sources.registry import UsePiece, state_values, use_values
from huisuan.compute.fact_sources.rules import reach_of, rules_settled_from_use
from huisuan.compute.models import Centre
from huisuan.law.explain import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.model import LawError, Status, smallest_cap
from huisuan.law.policy import Policy, PolicyRule, list_policies, load_policy
from huisuan.parties.affiliation import Reach, find_affiliations
from huisuan.parties.models import Party
from huisuan.parties.party_state import PartyState
from huisuan.parties.relation_history import load_holdings
from huisuan.parties.state_history import states_on

SAMPLE_FEN = 10**9  # so large that rounding to the fen cannot show in the share
_MOST_ANSWERS, _MOST_LAWS = 10_000, 16
NOWHERE = "000000"  # a region that no rule names: what comes back wherever the job runs


@dataclass(frozen=True)
class Subsidy:
    """The share of spend that comes back; `why` says why it is nothing, where it is.

    `policy` and `sentence` are of the rule that pays first. `status` is the law's (`Status`), or "broken" where the
    policy's files can not be read: the code of the reason.
    """

    share: Fraction
    policy: str = ""
    sentence: str = ""
    status: str = Status.ELIGIBLE.value
    why: str = ""


@dataclass(frozen=True)
class PartySubsidy:
    """What comes back to a party: `elsewhere` at most centres, `at` (by code) the share at those where it is another.

    `own`: centres where its use is self-built-self-use.
    """

    elsewhere: Subsidy
    at: Mapping[str, Fraction] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def share_at(self, centre: str) -> Fraction:
        """The share of spend at a centre that comes back."""
        return self.at.get(centre, self.elsewhere.share)

    @property
    def nothing_at(self) -> frozenset[str]:
        """Where nothing comes back though something does elsewhere."""
        return frozenset(centre for centre, share in self.at.items() if not share)

    @property
    def something_at(self) -> tuple[tuple[str, Fraction], ...]:
        """Where another share comes back than elsewhere, with that share."""
        return tuple(sorted((centre, share) for centre, share in self.at.items() if share))


_Place = tuple[str, frozenset[Reach]]  # a region, and by which reaches use there is self-use


class _LawOfDay:
    """The rules that pay for use on a day, and what they pay by a party's state and a place: each asked once."""

    def __init__(self, day: date, rules: Sequence[PolicyRule], broken: str) -> None:
        self.day, self.rules, self.broken = day, tuple(rules), broken
        self.reaches: dict[str, Reach] = {place.key: reach_of(place, day, day) for place in rules}
        self._known: dict[tuple[PartyState, _Place], Subsidy] = {}

    def at(self, state: PartyState, place: _Place) -> Subsidy:
        """What comes back to a party in that state of what it spends at a place."""
        found = self._known.get((state, place))
        if found is None:
            if len(self._known) >= _MOST_ANSWERS:
                self._known.clear()
            found = self._known[state, place] = self._ask(state, place)
        return found

    def _ask(self, state: PartyState, place: _Place) -> Subsidy:
        if self.broken and not self.rules:
            return Subsidy(Fraction(0), status="broken", why=self.broken)
        if not self.rules:
            return Subsidy(Fraction(0), status=Status.NOT_IN_FORCE.value, why="没有按算力用量计的条款")
        region, mine = place
        sample = min([SAMPLE_FEN, *(cap for each in self.rules if (cap := smallest_cap(each.rule)))])
        asked = []
        for each in self.rules:
            own = sample if self.reaches[each.key] in mine else 0
            piece = UsePiece(region, Fraction(sample), Fraction(own))
            asked.append(RuleInput(each, state_values(each.rule.facts, state) | use_values(each.rule.facts, [piece])))
        try:
            answers = combine_answers(asked, on=self.day, as_known=self.day)
        except LawError as error:
            return Subsidy(Fraction(0), status="broken", why=str(error))
        return _subsidy(answers, sample, self.rules[0])


#: the laws last asked for with the policies that they were read from: a file that changes is another policy, and each
#: submission asks anew. Threads may read one twice; nothing comes of that
_laws: dict[date, tuple[list[Policy], str, _LawOfDay]] = {}


def _law_of(day: date) -> _LawOfDay:
    policies, broken = _readable_policies()
    known = _laws.get(day)
    if known is not None and known[1] == broken and list(map(id, known[0])) == list(map(id, policies)):
        return known[2]
    law = _LawOfDay(day, *_rules_in_force(policies, broken, day, day))
    if len(_laws) >= _MOST_LAWS:
        _laws.clear()
    _laws[day] = (policies, broken, law)
    return law


class Subsidies:
    """What comes back on one day, by party; the law is asked once per state of a party and place."""

    def __init__(self, day: date) -> None:
        self.day = day
        self._law = _law_of(day)

    def of(self, parties: Iterable[Party]) -> dict[str, PartySubsidy]:
        """By USCC what comes back to each of some parties of what it spends on the day."""
        wanted = {party.uscc: party for party in parties}
        states = states_on(wanted.values(), self.day, self.day)
        centres = list(Centre.objects.values_list("code", "operator__uscc", "region_id"))
        reaches = set(self._law.reaches.values()) or {"control"}
        own = {reach: self._own_centres(wanted, centres, reach) for reach in reaches}
        found = {}
        for uscc in wanted:
            elsewhere = self._law.at(states[uscc], (NOWHERE, frozenset()))
            shares = {}
            for code, _operator, region in centres:
                mine = frozenset(reach for reach in reaches if code in own[reach].get(uscc, ()))
                share = self._law.at(states[uscc], (region, mine)).share
                if share != elsewhere.share:
                    shares[code] = share
            owned = frozenset().union(*(own[reach].get(uscc, frozenset()) for reach in reaches))
            found[uscc] = PartySubsidy(elsewhere, shares, owned)
        return found

    def _own_centres(
        self, parties: Mapping[str, Party], centres: Iterable[tuple[str, str, str]], reach: Reach
    ) -> dict[str, frozenset[str]]:
        """By party (USCC) the codes of centres where its use is self-use on the day."""
        operators: dict[str, list[str]] = {}
        for code, operator, _region in centres:
            operators.setdefault(operator, []).append(code)
        after = self.day + timedelta(days=1)
        holdings = load_holdings(self.day, after, self.day)
        related = {one for each in holdings for one in (each.owner, each.owned)} | set(operators)
        pairs = [(uscc, each) for uscc in parties if uscc in related for each in operators]
        found: dict[str, frozenset[str]] = {}
        for span in find_affiliations(holdings, pairs, starts=self.day, ends=after, reach=reach):
            found[span.user] = found.get(span.user, frozenset()) | frozenset(operators[span.operator])
        return found


def rules_on(day: date, as_known: date) -> tuple[list[PolicyRule], str]:
    """The rules in force; where none is, the one that was last, which then says so. And what is wrong with a policy."""
    return _rules_in_force(*_readable_policies(), day, as_known)


def _readable_policies() -> tuple[list[Policy], str]:
    """Those that can be read, each the same object until a file of it changes; what is wrong with another."""
    policies, broken = [], ""
    for name in list_policies():
        try:
            policies.append(load_policy(name))
        except LawError as error:
            broken = broken or str(error)
    return policies, broken


def _rules_in_force(policies: Iterable[Policy], broken: str, day: date, as_known: date) -> tuple[list[PolicyRule], str]:
    rules: list[PolicyRule] = []
    for policy in policies:
        try:
            rules += rules_settled_from_use(policy, day, as_known)
        except LawError as error:
            broken = broken or str(error)
    in_force = [place for place in rules if place.policy.in_force(day, as_known)]
    latest = max((place.policy.last_day(as_known) for place in rules), default=None)
    return in_force or [place for place in rules if place.policy.last_day(as_known) == latest][:1], broken


def _subsidy(answers: Iterable[CombinedAnswer], sample: int, first: PolicyRule) -> Subsidy:
    """All that is payable of the sample; where it is nothing, why the first rule pays nothing."""
    rows = [row for answer in answers for row in answer.rows]
    share = Fraction(sum(row.payable_fen or 0 for row in rows), sample)
    paying = next((row for row in rows if row.payable_fen), rows[0])
    place, status = (paying.place, paying.answer.status) if rows else (first, Status.NOT_IN_FORCE)
    why = "" if share else _why(status, place)
    return Subsidy(share, place.policy.name, place.rule.sentence, status.value, why)


def _why(status: Status, place: PolicyRule) -> str:
    key = place.rule.key
    match status:
        case Status.NOT_IN_FORCE:
            return f"第 {key} 句不在有效期内（至 {place.policy.valid_to}）"
        case Status.NOT_YET_KNOWN:
            return f"第 {key} 句所在的政策尚未公布"
        case Status.NOT_ELIGIBLE:
            return f"不是第 {key} 句所说的{place.rule.to}"
    return f"第 {key} 句的年度比例还没有确定"
