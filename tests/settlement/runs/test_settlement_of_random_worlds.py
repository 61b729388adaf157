"""A settlement as a whole, of random worlds: parties that move and succeed each other, use over any days, rates by day.

What the SQL says of a year is what the rule answers claimant by claimant, and what a naive sum over days comes to.
Prices are whole fen a second, so that the sum needs no rounding but the rule's own.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.months import midnight
from huisuan.compute.duck.relation import ARROW
from huisuan.compute.metering.exports.settled_usage import SETTLED_USAGE
from huisuan.law.explain.verdict import RuleEvaluator
from huisuan.law.policy import PolicyRule
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.scenario import with_adopted
from huisuan.law.policy.settings import AdoptedSetting
from huisuan.parties.affiliation import AffiliationSpan
from huisuan.parties.party_state import PartyState, StateSpan
from huisuan.settlement.runs.billing import Billing, Price
from huisuan.settlement.runs.entitle import AskedRule, make_answers
from support.examples import examples

LAW = load_policy("anhui-agi-2023")
FIRST, AFTER, LAST, KNOWN = date(2024, 1, 1), date(2025, 1, 1), date(2024, 12, 31), date(2025, 6, 1)
HALF, SPRING = date(2024, 7, 1), date(2024, 3, 10)
REGIONS = {"hefei": "340100", "huaibei": "340600"}
PRICES = [
    Price("hefei", "A100", 3600, FIRST, HALF), Price("hefei", "A100", 7200, HALF, None),
    Price("huaibei", "A100", 10800, FIRST, None),
]  # fmt: skip
OWN = AffiliationSpan("U2", "hefei", SPRING, HALF, "使用方控制运营方")
PARTIES = ("U1", "U2", "U3")

Record = tuple[str, str, int, date, int, int]  # party, centre, cards, first day, second of it, seconds
_days = st.dates(FIRST, LAST)
_records = st.tuples(
    st.sampled_from(PARTIES), st.sampled_from(sorted(REGIONS)), st.integers(1, 8), _days, st.integers(0, 86_399),
    st.integers(1, 40 * 86_400),
)  # fmt: skip
_rates = st.none() | st.fractions(0, Fraction(1, 5), max_denominator=50)


@dataclass(frozen=True)
class World:
    """Use, where parties move to on which day (outside the province or back), decisions by day, who carries whose."""

    records: tuple[Record, ...]
    outside: dict[str, bool]
    moves: dict[str, date]
    decisions: tuple[tuple[date, Fraction | None], ...]
    heirs: dict[str, str]

    def lies_within(self, party: str, day: date) -> bool:
        moved = party in self.moves and day >= self.moves[party]
        return self.outside[party] is moved

    def rate(self, day: date) -> Fraction | None:
        held: Fraction | None = Fraction(1, 5)
        for first, value in self.decisions:  # each is known later than the one before, and goes on to the end
            held = value if first <= day else held
        return held


_worlds = st.builds(
    World,
    st.lists(_records, min_size=1, max_size=12).map(tuple),
    st.fixed_dictionaries(dict.fromkeys(PARTIES, st.booleans())),
    st.dictionaries(st.sampled_from(PARTIES), st.dates(FIRST + timedelta(1), LAST), max_size=3),
    st.lists(st.tuples(_days, _rates), max_size=3).map(tuple),
    st.sampled_from([{}, {"U3": "U1"}]),
)


@dataclass(frozen=True)
class Owed:
    """What is owed to a claimant (fen), and what it used and of it itself, by the days from which parts begin."""

    status: str
    amount_fen: int | None
    spend: dict[date, int]
    own: dict[date, int]


def settled(world: World, folder: Path) -> tuple[dict[str, tuple[Any, ...]], AskedRule, list[dict[str, Any]]]:
    """By claimant status and fen; what was asked; the facts of each."""
    policy = with_adopted(LAW, [_decision(at, *made) for at, made in enumerate(world.decisions)])
    asked = AskedRule.over(PolicyRule(policy, policy.rule("2.2")), FIRST, LAST, KNOWN)
    with duckdb.connect(config={"threads": 1}) as engine:
        billing = Billing(engine, _written(world, folder), FIRST, AFTER)
        moves = {party: [day] for party, day in world.moves.items()}
        assert billing.bill(PRICES, [OWN], moves, asked.parts) == []
        make_answers(billing, asked, list(_spans(world)), REGIONS, world.heirs)
        answers = {
            party: rest for party, *rest in billing.rows("SELECT party, status, amount_fen, reasons FROM answers")
        }
        names = [name for name, *_ in billing.rows("DESCRIBE facts")]
        facts = [dict(zip(names, row, strict=True)) for row in billing.rows("SELECT * FROM facts")]
        _check_bills(world, billing)
    return {party: tuple(rest) for party, rest in answers.items()}, asked, facts


def _decision(at: int, first: date, value: Fraction | None) -> AdoptedSetting:
    known = FIRST + timedelta(days=at)
    kept: Any = "" if value is None else value
    return AdoptedSetting("2.2.rate", kept, "省专班", "", first, known, f"{at}", Path(), repealed=value is None)


def _spans(world: World) -> list[StateSpan]:
    found = []
    for party in PARTIES:
        days = [FIRST, *([world.moves[party]] if party in world.moves else []), AFTER]
        for first, after in itertools.pairwise(days):
            region = "340100" if world.lies_within(party, first) else "320100"
            found.append(StateSpan(party, first, after, PartyState("enterprise", region)))
    return found


def _written(world: World, folder: Path) -> Path:
    rows = []
    for number, (party, centre, cards, day, second, lasted) in enumerate(world.records, 1):
        started = midnight(day) + second
        rows.append((centre, party, "A100", cards, started, started + lasted, 0, cards * lasted, number, 1))
    columns = dict(zip(SETTLED_USAGE, zip(*rows, strict=True), strict=True))
    path = folder / "usage.parquet"
    pq.write_table(pa.table({name: pa.array(columns[name], ARROW[kind]) for name, kind in SETTLED_USAGE.items()}), path)
    return path


def fen_by_day(record: Record) -> dict[date, int]:
    """What a record costs on each day of the year, in fen."""
    _, centre, cards, day, second, lasted = record
    started, found = midnight(day) + second, {}
    while midnight(day) < started + lasted and day < AFTER:
        held = min(midnight(day + timedelta(1)), started + lasted) - max(midnight(day), started)
        per_second = 3 if centre == "huaibei" else 1 if day < HALF else 2
        found[day], day = cards * held * per_second, day + timedelta(1)
    return found


def _check_bills(world: World, billing: Billing) -> None:
    """The bills add up to what every day comes to, whoever is entitled to what."""
    whole = sum(fen for record in world.records for fen in fen_by_day(record).values())
    assert billing.rows("SELECT CAST(sum(amount_fen) AS BIGINT) FROM bills") == [(whole,)]


def naive(world: World, parts: tuple[date, ...]) -> dict[str, Owed]:
    """By claimant what is owed, day by day and with fractions."""
    used: dict[str, list[tuple[str, str, date, int]]] = {}
    for record in world.records:
        claimant = world.heirs.get(record[0], record[0])
        used.setdefault(claimant, []).extend((record[0], record[1], *day) for day in fen_by_day(record).items())
    return {claimant: _owed(world, parts or (FIRST,), days) for claimant, days in used.items()}


def _owed(world: World, parts: tuple[date, ...], days: list[tuple[str, str, date, int]]) -> Owed:
    counting = [use for use in days if world.lies_within(use[0], use[2])]
    spend, own = dict.fromkeys(parts, 0), dict.fromkeys(parts, 0)
    for party, centre, day, fen in counting or days:
        part = max(first for first in parts if first <= day)
        spend[part] += fen
        own[part] += fen if (party, centre) == (OWN.user, OWN.operator) and OWN.starts <= day < OWN.ends else 0
    # a year that is one part is read on its last day
    rates = {first: world.rate(first if len(parts) > 1 else LAST) for first in parts}
    if all(rate is None for rate in rates.values()):
        return Owed("not_set", None, spend, own)
    if not counting:
        return Owed("not_eligible", 0, spend, own)
    amount = sum(((rates[first] or 0) * (spend[first] - own[first]) for first in parts), Fraction(0))
    return Owed("eligible", int(amount), spend, own)


@settings(max_examples=examples(8))
@given(_worlds)
def test_a_settlement_is_the_sum_of_its_claims_one_by_one_and_of_its_days(world: World) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answers, asked, facts = settled(world, Path(folder))
    expected = naive(world, asked.parts)
    assert {party: found[:2] for party, found in answers.items()} == {
        party: (owed.status, owed.amount_fen) for party, owed in expected.items()
    }
    evaluate = RuleEvaluator(asked.place.policy, asked.place.rule, LAST, KNOWN, asked.parts)
    for row in facts:
        verdict, owed = evaluate(row), expected[row["party"]]
        assert (verdict.status.value, verdict.amount_fen, ";".join(verdict.codes())) == answers[row["party"]]
        assert (row["spend"], row["self_use"]) == (sum(owed.spend.values()), sum(owed.own.values()))
        for first in asked.parts:
            assert (row[f"spend@{first}"], row[f"self_use@{first}"]) == (owed.spend[first], owed.own[first])
        assert (verdict.amount_fen or 0) * 5 <= row["spend"] - row["self_use"]


@settings(max_examples=examples(4))
@given(_worlds, _records)
def test_who_uses_more_on_days_that_count_is_never_owed_less(world: World, more: Record) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, *_ = settled(world, Path(folder))
        after, *_ = settled(World((*world.records, more), world.outside, world.moves, world.decisions, world.heirs),
                            Path(folder))  # fmt: skip
    assert {*before} <= {*after}
    assert all((after[party][1] or 0) >= (found[1] or 0) for party, found in before.items())
