"""What a firm will have spent by the end of the year, and what comes back of it: the law's own answer, exactly.

The year so far goes on at its own pace: spend per second of what has passed, for the seconds that are left. The facts
are then those that a settlement would read, by the same registry of sources, and the rules answer as they do there,
each with its rate and its cap, after those that pay before it for the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.db import connection

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI, midnight
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.dispatch.net_price import rules_on
from huisuan.compute.fact_sources.registry import UsePiece, state_values, use_values
from huisuan.compute.fact_sources.rules import reach_of
from huisuan.compute.models import Centre
from huisuan.law.explain import RuleInput, combine_answers
from huisuan.law.model import Answer, LawError
from huisuan.law.policy import PolicyRule
from huisuan.parties.affiliation import Reach, find_affiliations
from huisuan.parties.models import Party
from huisuan.parties.party_state import PartyState
from huisuan.parties.relation_history import load_holdings
from huisuan.parties.state_history import states_on
from huisuan.parties.viewer import Viewer
from huisuan.settlement.runs.queries import latest_entitlements

_HOUR = 3600

_USED = """
SELECT u.centre_id, u.day, sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0))
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = %s AND u.day >= %s AND u.day < %s GROUP BY 1, 2
"""


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
class _YearUse:
    """The use of one party at one centre so far: fen exactly, and those of them that are self-use, by reach."""

    region: str
    fen: Fraction
    own: Mapping[Reach, Fraction]


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
    reaches = {place.key: reach_of(place, last, today) for place in rules}
    use = _use(party, first, today, set(reaches.values()))
    begins, ends = midnight(first), midnight(last + timedelta(days=1))
    elapsed = Fraction(int(now.timestamp()) - begins, ends - begins)
    pace = 1 / elapsed if elapsed else Fraction(1)
    state = states_on([party], today, today)[party.uscc]
    so_far, at_end = (_outlook(rules, reaches, state, use, scale, (last, today)) for scale in (Fraction(1), pace))
    return Forecast(today.year, elapsed, so_far, at_end, _settled(viewer, today.year, rules))


def _settled(viewer: Viewer, year: int, rules: Iterable[PolicyRule]) -> int | None:
    """What the newest settlements of the year say may be paid under these rules together; None before the first."""
    keys = {(place.policy.name, place.rule.key) for place in rules}
    owed = latest_entitlements(viewer).filter(run__year=year)
    found = [each.payable for each in owed if (each.run.policy, each.run.sentence) in keys]
    return sum(found) if found else None


def _outlook(
    rules: Sequence[PolicyRule], reaches: Mapping[str, Reach], state: PartyState, use: Sequence[_YearUse],
    scale: Fraction, days: tuple[date, date],
) -> Outlook:  # fmt: skip
    asked = []
    for place in rules:
        reach = reaches[place.key]
        pieces = [UsePiece(each.region, each.fen * scale, each.own[reach] * scale) for each in use]
        facts = place.rule.facts
        asked.append(RuleInput(place, state_values(facts, state) | use_values(facts, pieces)))
    try:
        answers = combine_answers(asked, on=days[0], as_known=days[1])
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None
    rows = [row for answer in answers for row in answer.rows]
    first = reaches[rules[0].key]
    return Outlook(
        sum((each.fen * scale for each in use), Fraction(0)),
        sum((each.own[first] * scale for each in use), Fraction(0)),
        sum(row.payable_fen or 0 for row in rows),
        next((row for row in rows if row.payable_fen), rows[0]).answer,
    )


def _use(party: Party, first: date, as_known: date, reaches: Iterable[Reach]) -> list[_YearUse]:
    """The year so far by centre."""
    own = {reach: _own_days(party, first, as_known, reach) for reach in reaches}
    regions = dict(Centre.objects.values_list("pk", "region_id"))
    fen: dict[int, Fraction] = {}
    mine: dict[tuple[int, Reach], Fraction] = {}
    with connection.cursor() as cursor:
        cursor.execute(_USED, [party.pk, first, date(first.year + 1, 1, 1)])
        for centre, day, scaled in cursor.fetchall():
            piece = Fraction(int(scaled), _HOUR)
            fen[centre] = fen.get(centre, Fraction(0)) + piece
            for reach, days in own.items():
                if any(starts <= day < ends for starts, ends in days.get(centre, ())):
                    mine[centre, reach] = mine.get((centre, reach), Fraction(0)) + piece
    return [
        _YearUse(regions[centre], whole, {reach: mine.get((centre, reach), Fraction(0)) for reach in own})
        for centre, whole in fen.items()
    ]


def _own_days(party: Party, first: date, as_known: date, reach: Reach) -> dict[int, list[tuple[date, date]]]:
    """By centre the spans of days on which it is the firm's own, as the settlement finds them."""
    ends = date(first.year + 1, 1, 1)
    centres: dict[str, list[int]] = {}
    for pk, operator in Centre.objects.values_list("pk", "operator__uscc"):
        centres.setdefault(operator, []).append(pk)
    holdings = load_holdings(first, ends, as_known)
    pairs = [(party.uscc, operator) for operator in centres]
    found: dict[int, list[tuple[date, date]]] = {}
    for span in find_affiliations(holdings, pairs, starts=first, ends=ends, reach=reach):
        for centre in centres[span.operator]:
            found.setdefault(centre, []).append((span.starts, span.ends))
    return found
