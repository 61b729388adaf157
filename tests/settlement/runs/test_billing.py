"""From usage to bills, against an oracle of plain Python integers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.months import midnight
from huisuan.compute.duck.relation import ARROW
from huisuan.compute.metering.exports.settled_usage import SETTLED_USAGE
from huisuan.compute.metering.usage.slicing import HeldSpan, held_before
from huisuan.law.policy import PolicyRule
from huisuan.law.policy.load import load_policy
from huisuan.parties.affiliation import AffiliationSpan
from huisuan.parties.party_state import PartyState, StateSpan
from huisuan.settlement.runs.billing import Billing, Price
from huisuan.settlement.runs.entitle import AskedRule, make_answers
from support.examples import examples

YEAR = (date(2024, 1, 1), date(2025, 1, 1))
HALF = date(2024, 7, 1)
CHANGED = date(2024, 2, 15)
PRICES = [
    Price("hefei", "A100", 1250, date(2023, 1, 1), HALF),
    Price("hefei", "A100", 1100, HALF, None),
    Price("huaibei", "910B3", 899, date(2023, 1, 1), None),
]
OWN = [AffiliationSpan("U2", "hefei", CHANGED, HALF, "使用方控制运营方")]

Record = tuple[str | None, str, int, int, int, int]  # party, centre, cards, started, ended, suspended


def opened(folder: Path, records: list[Record]) -> Billing:
    names = ("party", "centre", "cards", "started", "ended", "suspended")
    columns: dict[str, list[object]] = {name: [record[at] for record in records] for at, name in enumerate(names)}
    columns["model"] = ["A100" if record[1] == "hefei" else "910B3" for record in records]
    columns["card_seconds"] = [cards * (ended - started - off) for _, _, cards, started, ended, off in records]
    columns["sequence"] = list(range(1, len(records) + 1))
    columns["centre_id"] = [1 if record[1] == "hefei" else 2 for record in records]
    path = folder / "usage.parquet"
    pq.write_table(pa.table({name: pa.array(columns[name], ARROW[kind]) for name, kind in SETTLED_USAGE.items()}), path)
    return Billing(duckdb.connect(), path, *YEAR)


def test_usage_with_other_columns_is_not_billed(tmp_path: Path) -> None:
    path = tmp_path / "usage.parquet"
    pq.write_table(
        pa.table({name: pa.array([], ARROW[kind]) for name, kind in SETTLED_USAGE.items() if name != "cards"}), path
    )
    with pytest.raises(TypeError, match="cards"):
        Billing(duckdb.connect(), path, *YEAR)


def billed(folder: Path, records: list[Record], moves: Mapping[str, Sequence[date]] | None = None) -> Billing:
    billing = opened(folder, records)
    assert billing.bill(PRICES, OWN, moves or {}) == []
    return billing


def states(party: str, *changes: tuple[date, str, str | None]) -> list[StateSpan]:
    """A party's states: from which day it is of which kind and region."""
    days = [*(max(day, YEAR[0]) for day, _, _ in changes), YEAR[1]]
    return [
        StateSpan(party, first, after, PartyState(kind, region))
        for (_, kind, region), first, after in zip(changes, days, days[1:], strict=False)
    ]


def answered(folder: Path, records: list[Record], spans: list[StateSpan], key: str = "anhui-agi-2023/2.2") -> Billing:
    """The bills and answers of some use under a rule, on the last day of the year (or of the policy's first)."""
    policy_name, rule = key.split("/")
    policy = load_policy(policy_name)
    moves = {span.uscc: [span.starts] for span in spans if span.starts > YEAR[0]}
    billing = billed(folder, records, moves)
    on = max(date(2024, 12, 31), policy.valid_from)
    asked = AskedRule.over(PolicyRule(policy, policy.rule(rule)), YEAR[0], on, on)
    make_answers(billing, asked, spans, {"hefei": "340100", "huaibei": "340600"})
    return billing


def at(day: date, seconds: int = 0) -> int:
    return midnight(day) + seconds


def bills(billing: Billing) -> list[tuple[object, ...]]:
    return billing.rows("SELECT party, centre, month, card_seconds, amount_fen, excluded_fen FROM bills ORDER BY ALL")


def test_a_job_that_crosses_a_month_is_billed_in_both(tmp_path: Path) -> None:
    crossing = ("U1", "hefei", 8, at(date(2024, 1, 31), 82_800), at(date(2024, 2, 1), 7_200), 0)
    assert bills(billed(tmp_path, [crossing])) == [
        ("U1", "hefei", date(2024, 1, 1), 8 * 3600, 8 * 1250, 0),
        ("U1", "hefei", date(2024, 2, 1), 8 * 7200, 8 * 2500, 0),
    ]


def test_a_month_is_rounded_once_not_job_by_job(tmp_path: Path) -> None:
    # 1 card-second costs 1250/3600 fen = 0.347...; ten of them 3.47 -> 3 fen, where rounding each would give 0
    seconds = [("U1", "hefei", 1, at(HALF) - 1000 - n, at(HALF) - 999 - n, 0) for n in range(10)]
    assert bills(billed(tmp_path, seconds))[0][3:] == (10, 3, 0)


def test_a_new_price_holds_from_its_first_day(tmp_path: Path) -> None:
    over_midnight = ("U1", "hefei", 1, at(HALF) - 3600, at(HALF) + 3600, 0)
    assert [row[3:] for row in bills(billed(tmp_path, [over_midnight]))] == [(3600, 1250, 0), (3600, 1100, 0)]


def test_use_of_the_own_centre_is_left_out_from_the_day_of_the_relation(tmp_path: Path) -> None:
    day_before = ("U2", "hefei", 1, at(CHANGED) - 7200, at(CHANGED) - 3600, 0)
    day_after = ("U2", "hefei", 1, at(CHANGED) + 3600, at(CHANGED) + 7200, 0)
    assert bills(billed(tmp_path, [day_before, day_after]))[0][3:] == (7200, 2500, 1250)


def test_what_lies_before_the_year_is_not_billed_in_it(tmp_path: Path) -> None:
    new_year = ("U1", "hefei", 2, at(YEAR[0]) - 3600, at(YEAR[0]) + 3600, 0)
    assert bills(billed(tmp_path, [new_year])) == [("U1", "hefei", date(2024, 1, 1), 7200, 2500, 0)]


def test_usage_that_nobody_claims_is_in_no_bill(tmp_path: Path) -> None:
    assert bills(billed(tmp_path, [(None, "hefei", 2, at(HALF), at(HALF) + 3600, 0)])) == []


def test_usage_without_a_price_is_named(tmp_path: Path) -> None:
    billing = opened(tmp_path, [("U1", "hefei", 1, at(CHANGED), at(CHANGED) + 60, 0)])
    (gap,) = billing.bill(PRICES[1:], OWN)
    assert (gap.centre, gap.model, gap.card_seconds) == ("hefei", "A100", 60)


def test_the_rule_answers_for_every_party(tmp_path: Path) -> None:
    hour = at(CHANGED), at(CHANGED) + 3600, 0
    use: list[Record] = [("U1", "hefei", 4, *hour), ("U2", "hefei", 4, *hour), ("U3", "huaibei", 1, *hour)]
    register = [
        *states("U1", (YEAR[0], "enterprise", "340200")),
        *states("U2", (YEAR[0], "university", "340100")),
        *states("U3", (YEAR[0], "enterprise", "310000")),
    ]
    billing = answered(tmp_path, use, register)
    assert answers(billing) == [
        ("U1", "eligible", 1000, "", 5000, 0),
        ("U2", "eligible", 0, "zero@2.2", 5000, 5000),
        ("U3", "not_eligible", 0, "failed:in_anhui@2.2", 899, 0),
    ]


def answers(billing: Billing) -> list[tuple[object, ...]]:
    return billing.rows(
        'SELECT party, status, amount_fen, reasons, "fact:spend", "fact:self_use" FROM answers ORDER BY 1'
    )


def hours(party: str, day: date, cards: int = 4) -> Record:
    """An hour of that many cards at Hefei: 12.50 or 11.00 yuan a card."""
    return (party, "hefei", cards, at(day), at(day) + 3600, 0)


MOVED = date(2024, 11, 5)


def test_use_counts_on_the_days_on_which_a_party_was_one_whom_the_rule_is_for(tmp_path: Path) -> None:
    use = [hours(party, day) for party in ("U1", "U3") for day in (date(2024, 8, 1), date(2024, 12, 1))]
    leaves = states("U1", (YEAR[0], "enterprise", "340100"), (MOVED, "enterprise", "310000"))
    comes = states("U3", (YEAR[0], "enterprise", "310000"), (MOVED, "enterprise", "340100"))
    billing = answered(tmp_path, use, [*leaves, *comes])
    assert answers(billing) == [("U1", "eligible", 880, "", 4400, 0), ("U3", "eligible", 880, "", 4400, 0)]
    assert [row[3:] for row in bills(billing)] == [(14400, 4400, 0)] * 4, "the bills are of all use"


def test_a_party_that_was_never_one_while_it_used_something_is_refused_with_all_of_its_use(tmp_path: Path) -> None:
    comes = states("U1", (YEAR[0], "enterprise", "310000"), (MOVED, "enterprise", "340100"))
    billing = answered(tmp_path, [hours("U1", date(2024, 8, 1))], comes)
    assert answers(billing) == [("U1", "not_eligible", 0, "failed:in_anhui@2.2", 4400, 0)]


def test_a_run_over_the_day_of_a_move_is_cut_there(tmp_path: Path) -> None:
    crossing: Record = ("U1", "hefei", 1, at(MOVED) - 7200, at(MOVED) + 3600, 0)
    leaves = states("U1", (YEAR[0], "enterprise", "340100"), (MOVED, "city", "340100"))
    billing = answered(
        tmp_path, [crossing, hours("U2", MOVED)], [*leaves, *states("U2", (YEAR[0], "enterprise", "340100"))]
    )
    assert answers(billing) == [("U1", "eligible", 440, "", 2200, 0), ("U2", "eligible", 880, "", 4400, 0)]
    assert billing.rows("SELECT count(*) FROM lines WHERE party = 'U2'") == [(1,)], "others' lines are not cut"


def test_a_local_rule_counts_what_was_used_at_its_citys_centres(tmp_path: Path) -> None:
    policy = load_policy("wuhu-compute-2025")
    place = PolicyRule(policy, policy.rule("w.2"))
    (local,) = (spec for spec in place.rule.facts if spec.known_by == "meter")
    day = date(2025, 6, 1)
    assert local.within == ("340200",)
    billing = billed(tmp_path, [hours("U1", HALF), ("U2", "huaibei", 1, at(HALF), at(HALF) + 3600, 0)])
    spans = [*states("U1", (YEAR[0], "enterprise", "340100")), *states("U2", (YEAR[0], "enterprise", "340100"))]
    make_answers(
        billing, AskedRule.over(place, date(2025, 1, 1), day, day), spans, {"hefei": "340200", "huaibei": "340600"}
    )
    found = billing.rows(f'SELECT party, status, amount_fen, "fact:{local.name}" FROM answers')
    assert found == [("U1", "eligible", 1100, 4400)], "who used nothing there has no row"


@st.composite
def records(draw: st.DrawFn) -> Record:
    started = at(YEAR[0]) + draw(st.integers(-5 * 86_400, 366 * 86_400))
    length = draw(st.sampled_from([0, 1, 59, 3600]) | st.integers(0, 90 * 86_400))
    suspended = draw(st.just(0) | st.integers(0, length))
    party = draw(st.sampled_from(["U1", "U2", None]))
    return (
        party,
        draw(st.sampled_from(["hefei", "huaibei"])),
        draw(st.integers(1, 64)),
        started,
        started + length,
        suspended,
    )


def oracle(usage: list[Record]) -> dict[tuple[str, str, date], list[Fraction]]:
    """Every record, day by day, in exact fractions."""
    sums: dict[tuple[str, str, date], list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 3)
    for party, centre, cards, started, ended, suspended in usage:
        span = HeldSpan(started, ended, suspended)
        day = max(YEAR[0], YEAR[0] + timedelta(days=(started - at(YEAR[0])) // 86_400))
        while party and day < YEAR[1] and at(day) < max(ended, started + 1):
            first, last = at(day), at(day + timedelta(days=1))
            seconds = cards * (held_before(last, span) - held_before(first, span))
            fen = {"hefei": 1250 if day < HALF else 1100, "huaibei": 899}[centre] * Fraction(seconds, 3600)
            own = party == "U2" and centre == "hefei" and CHANGED <= day < HALF
            total = sums[party, centre, day.replace(day=1)]
            sums[party, centre, day.replace(day=1)] = [total[0] + seconds, total[1] + fen, total[2] + own * fen]
            day += timedelta(days=1)
    return sums


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records(), min_size=1, max_size=12))
def test_bills_equal_the_sum_of_days_in_exact_fractions(tmp_path: Path, usage: list[Record]) -> None:
    wanted = {
        key: (int(seconds), int((2 * fen + 1) // 2), int((2 * own + 1) // 2))
        for key, (seconds, fen, own) in oracle(usage).items()
        if seconds
    }
    found = {row[:3]: row[3:] for row in bills(billed(tmp_path, usage)) if row[3]}
    assert found == wanted


_cuts = st.dates(date(2024, 1, 2), date(2024, 12, 31))
# few cuts are days on which everybody's use is summed apart; of many, most are their party's own
_few_or_many = st.lists(_cuts, max_size=3, unique=True) | st.lists(_cuts, min_size=14, max_size=20, unique=True)


@pytest.mark.slow
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records(), min_size=1, max_size=8), _few_or_many)
def test_cuts_on_days_of_a_partys_own_change_no_sum(tmp_path: Path, usage: list[Record], cuts: list[date]) -> None:
    seconds = (
        "SELECT party, centre, month, sum(card_seconds) FROM lines "
        "GROUP BY ALL HAVING sum(card_seconds) > 0 ORDER BY ALL"
    )
    cut, whole = billed(tmp_path, usage, {"U1": cuts, "U2": cuts[:1]}), billed(tmp_path, usage)
    assert cut.rows(seconds) == whole.rows(seconds)
    assert [row for row in bills(cut) if row[3]] == [row for row in bills(whole) if row[3]]
