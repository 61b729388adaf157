"""What a firm will have spent by the end of the year, and what comes back of it: the law's own answer, exactly.

The facts are those that a settlement would read, by the same registry of sources and by day: what the register says
(a move, also one to come), which centre is the firm's own, the days over which a rule is settled. The rules answer as
they do there, each with its rate and its cap, after those that pay before it for the same; where a rate, an option or
the sentence changes within the year, each part counts by its own. The use of a predecessor whose claims the firm
carries is the firm's; of a firm whose own claims another one carries nothing comes back to itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI, midnight
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.dispatch.net_price import rules_on
from huisuan.compute.fact_sources.registry import UsePiece, state_values, use_values
from huisuan.compute.fact_sources.rules import (
    ReachSpan,
    chosen_options,
    claimant_rule,
    days_settled,
    last_day,
    reach_spans,
)
from huisuan.law.explain import RuleInput, combine_answers, explain
from huisuan.law.model import Answer, LawError, Rule, Status, Value
from huisuan.law.policy import PolicyRule, dated_facts, find_part_starts, part_name
from huisuan.parties.models import Party
from huisuan.parties.party_state import PartyState, StateSpan
from huisuan.parties.state_history import load_heirs
from huisuan.parties.viewer import Viewer
from huisuan.settlement.runs.queries import latest_entitlements
from huisuan.settlement.statements.year_use import UseStretch, load_states, load_year_use


@dataclass(frozen=True)
class Outlook:
    """Spend and self-built-self-use in fen, exactly, and what comes back of it in fen, under all rules together.

    `answer` is that of the rule that pays first (0 comes back where the law does not say yet).
    """

    spend: Fraction
    self_use: Fraction
    subsidy_fen: int
    answer: Answer

    @property
    def net(self) -> Fraction:
        """What is left for the firm to pay."""
        return self.spend - self.subsidy_fen

    @property
    def spend_fen(self) -> int:
        """The spend, rounded half up as a bill is."""
        return round_half_up(self.spend)

    @property
    def self_use_fen(self) -> int:
        """The self-built-self-use, rounded half up."""
        return round_half_up(self.self_use)

    @property
    def net_fen(self) -> int:
        """What is left to pay, of the rounded spend."""
        return self.spend_fen - self.subsidy_fen


@dataclass(frozen=True)
class Forecast:
    """The year so far and at its end. `settled_fen`: what the newest settlement of the year says, if there is one."""

    year: int
    elapsed: Fraction
    so_far: Outlook
    at_end: Outlook
    settled_fen: int | None


@dataclass(frozen=True)
class _AskedYear:
    """A rule with the days of the year that it is settled over, how far self-use reaches when, and whom it is for.

    `claimant`: the firm that asks; "" where another one carries its claims.

    `parts`: the first days of the parts that the year is cut into, where something that is set changes within it.
    """

    place: PolicyRule
    starts: date
    ends: date
    reach: tuple[ReachSpan, ...]
    claimants: Rule | None
    parts: tuple[date, ...]
    claimant: str

    def own_fen(self, use: UseStretch, whole: bool) -> Fraction:
        """What of some use is self-use by the reach of its days."""
        reach = next((span.reach for span in self.reach if span.starts <= use.starts < span.ends), self.reach[-1].reach)
        return use.fen(whole) if reach in use.own else Fraction(0)


def forecast_year(viewer: Viewer, now: datetime) -> Forecast:
    """The forecast of the viewer's own firm for the present year.

    Raises:
        InvalidRequest: no policy has a rule that is settled from use, or a policy cannot be read.
        Party.DoesNotExist: the viewer is of no firm.
        Unavailable: much of the use is not counted yet.
    """
    party = Party.objects.select_related("region").get(viewer.parties())
    count_before_reading()
    today = now.astimezone(SHANGHAI).date()
    first, last = date(today.year, 1, 1), date(today.year, 12, 31)
    rules, broken = rules_on(last, today)
    if not rules:
        raise InvalidRequest(broken or "没有按算力用量计的条款，无从预测", code="forecast.no_rules")
    ends = last + timedelta(days=1)
    heirs = load_heirs(ends, today)
    claimant = "" if party.uscc in heirs else party.uscc
    asked = [_asked_year(place, last, today, claimant) for place in rules]
    carried = [old for old, heir in heirs.items() if heir == claimant]
    members = [party, *Party.objects.filter(uscc__in=carried).order_by("uscc")]
    states = [span for member in members for span in load_states(member, first, ends, today)]
    edges = {day for each in asked for day in (each.starts, each.ends, *each.parts)} | {span.starts for span in states}
    reaches = {span.reach for each in asked for span in each.reach}
    use = [used for member in members for used in load_year_use(member, first, ends, reaches, edges, now, today)]
    begins = midnight(first)
    elapsed = Fraction(int(now.timestamp()) - begins, midnight(ends) - begins)
    so_far, at_end = (_outlook(asked, states, use, whole, (last, today)) for whole in (False, True))
    return Forecast(today.year, elapsed, so_far, at_end, _settled(viewer, today.year, rules))


def _asked_year(place: PolicyRule, last: date, today: date, claimant: str) -> _AskedYear:
    starts, ends = days_settled(place, last.year, today)
    read = place.policy.rule_on(place.rule, last, today)
    claimants = claimant_rule(read, chosen_options(place.policy, read, last, today))
    parts = find_part_starts(place.policy, place.rule, starts, last_day(ends), today)
    return _AskedYear(place, starts, ends, reach_spans(place, starts, ends, today, parts), claimants, parts, claimant)


def _settled(viewer: Viewer, year: int, rules: Iterable[PolicyRule]) -> int | None:
    """What the newest settlements of the year say may be paid under these rules together; None before the first."""
    keys = {(place.policy.name, place.rule.key) for place in rules}
    owed = latest_entitlements(viewer).filter(run__year=year)
    found = [each.payable for each in owed if (each.run.policy, each.run.sentence) in keys]
    return sum(found) if found else None


def _outlook(
    asked: Sequence[_AskedYear], states: Sequence[StateSpan], use: Sequence[UseStretch], whole: bool,
    days: tuple[date, date],
) -> Outlook:  # fmt: skip
    try:
        inputs = [_rule_input(each, states, use, whole, days) for each in asked]
        answers = combine_answers(inputs, on=days[0], as_known=days[1])
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None
    rows = [row for answer in answers for row in answer.rows]
    return Outlook(
        sum((each.fen(whole) for each in use), Fraction(0)),
        sum((asked[0].own_fen(each, whole) for each in use), Fraction(0)),
        sum(row.payable_fen or 0 for row in rows),
        next((row for row in rows if row.payable_fen), rows[0]).answer,
    )


def _rule_input(
    asked: _AskedYear, states: Sequence[StateSpan], use: Sequence[UseStretch], whole: bool, days: tuple[date, date]
) -> RuleInput:
    """A rule with the facts that a settlement would read: only use on days on which the firm is one whom it is for.

    One that is so on no day is asked with all of its use, so that the refusal names what failed.
    """
    own = [span for span in states if span.starts < asked.ends and asked.starts < span.ends] or list(states[-1:])
    counted = [each for each in use if asked.starts <= each.starts and each.ends <= asked.ends and each.fen(whole)]
    counted = counted if asked.claimant else []
    state = _last(asked, own)
    if len(own) > 1 and asked.claimants is not None:
        used = [span for span in own if any(_lies_in(each, span) for each in counted)]
        for_it = [span for span in used if _is_for(asked, span, days)]
        if used:
            state = _last(asked, for_it or used)
        if for_it:
            counted = [each for each in counted if any(_lies_in(each, span) for span in for_it)]
    pieces = [
        (each.starts, UsePiece(each.region, each.fen(whole), asked.own_fen(each, whole)))
        for each in sorted(counted, key=lambda use: use.starts)
    ]
    facts = asked.place.rule.facts
    sums = use_values(facts, [piece for _, piece in pieces])
    by_part = {spec.name for spec in dated_facts(asked.place.rule)} if asked.parts else set()
    whole_year = {name: value for name, value in sums.items() if name not in by_part}
    return RuleInput(asked.place, state_values(facts, state) | whole_year | _by_part(asked, pieces))


def _last(asked: _AskedYear, spans: Sequence[StateSpan]) -> PartyState:
    """What is said of the claimant: its own last state of these, else that of the one whose claims it carries."""
    return max(spans, key=lambda span: (span.uscc == asked.claimant, span.starts)).state


def _lies_in(use: UseStretch, span: StateSpan) -> bool:
    return use.party == span.uscc and span.starts <= use.starts < span.ends


def _by_part(asked: _AskedYear, pieces: Sequence[tuple[date, UsePiece]]) -> dict[str, Value | None]:
    """What each part of the year adds to the rounded use up to its end: the parts add up to the whole."""
    dated, found = dated_facts(asked.place.rule), dict[str, Value | None]()
    before: dict[str, Value | None] = dict.fromkeys((spec.name for spec in dated), 0)
    for first, after in itertools.pairwise((*asked.parts, asked.ends) if asked.parts else ()):
        until = use_values(dated, [piece for starts, piece in pieces if starts < after])
        for name, value in until.items():
            found[part_name(name, first)] = int(str(value)) - int(str(before[name]))
        before |= until
    return found


def _is_for(asked: _AskedYear, span: StateSpan, days: tuple[date, date]) -> bool:
    assert asked.claimants is not None
    facts = state_values(asked.claimants.facts, span.state)
    answer = explain(asked.place.policy, asked.claimants, facts, on=days[0], as_known=days[1])
    return answer.status not in (Status.NOT_ELIGIBLE, Status.MISSING_FACTS)
