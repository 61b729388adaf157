"""Settings have days: what was used before a change counts by what held before it, in every reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model import expressions as nodes
from huisuan.law.model.answers import Answer
from huisuan.law.model.errors import LawError
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.by_day import find_part_starts, part_name, part_starts
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.open_parts import open_parts
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import with_adopted
from huisuan.law.policy.settings import AdoptedSetting, Settings
from huisuan.law.sql.compute_file import answer_query

LAW = load_policy("anhui-agi-2023")
RULE = LAW.rule("2.2")
NEW_YEAR, LEAP_DAY, JULY, YEAR_END = date(2024, 1, 1), date(2024, 2, 29), date(2024, 7, 1), date(2024, 12, 31)
KNOWN = date(2025, 6, 1)
WHO = {"in_anhui": True, "kind": "enterprise"}


def decided(
    value: object, first: date, known: date = NEW_YEAR, last: date | None = None, name: str = "2.2.rate"
) -> AdoptedSetting:
    """A decision of the working group; a value of None repeals."""
    repealed = value is None
    return AdoptedSetting(
        name, "" if repealed else value, "省专班", "", first, known, f"{known}.toml", Path("/nowhere"), last, repealed
    )  # type: ignore[arg-type]


def law(*decisions: AdoptedSetting) -> Policy:
    return with_adopted(LAW, decisions)


def rate(policy: Policy, day: date, known: date = KNOWN) -> object:
    held = policy.adopted(day, known).get("2.2.rate")
    return held.value if held else None


def answer(policy: Policy, facts: dict[str, object], on: date = YEAR_END) -> Answer:
    return explain(policy, RULE, parse_facts(RULE, {**WHO, **facts}), on=on, as_known=KNOWN)


def in_sql(policy: Policy, facts: dict[str, object], on: date = YEAR_END) -> tuple[object, ...]:
    types = {"in_anhui": "BOOLEAN", "kind": "VARCHAR", **dict.fromkeys(facts, "BIGINT")}
    columns = ", ".join(f'? AS "{name}"' for name in types)
    engine = duckdb.connect()
    engine.execute(f"CREATE TABLE facts AS SELECT {columns}", [*WHO.values(), *facts.values()])
    query, _ = answer_query(policy, RULE, "facts", types, on=on, as_known=KNOWN)
    found = engine.execute(query.sql("duckdb")).fetchone()
    assert found is not None
    return found


def parts(**amounts: dict[date, int]) -> dict[str, object]:
    return {part_name(name, day): fen for name, by_day in amounts.items() for day, fen in by_day.items()}


def test_a_rate_that_changes_in_july_counts_from_july() -> None:
    lowered = law(decided(Fraction(15, 100), JULY))
    facts = parts(spend={NEW_YEAR: 80_895_735, JULY: 72_192_801}, self_use={NEW_YEAR: 0, JULY: 0})
    found = answer(lowered, facts)
    assert found.amount_fen == 27_008_067  # 20% of the first half and 15% of the second
    assert [used.shown for used in found.settings if used.name.startswith("2.2.rate@")] == ["20%", "15%"]
    assert in_sql(lowered, facts)[:2] == ("eligible", 27_008_067)
    assert find_part_starts(lowered, RULE, NEW_YEAR, YEAR_END, KNOWN) == (NEW_YEAR, JULY)
    assert find_part_starts(LAW, RULE, NEW_YEAR, YEAR_END, KNOWN) == ()


def test_a_part_that_reaches_over_a_change_is_refused_with_the_day_to_cut_at() -> None:
    lowered = law(decided(Fraction(15, 100), JULY))
    facts = parts(spend={NEW_YEAR: 1}, self_use={NEW_YEAR: 0})
    for reading in (answer, in_sql):
        with pytest.raises(
            LawError, match=r"2\.2\.rate 自 2024-07-01 起由 20% 改为 15%.*spend、self_use 加 @2024-07-01"
        ):
            reading(lowered, facts)
    assert answer(lowered, facts, on=date(2024, 6, 30)).amount_fen == 0


def test_a_later_decision_prevails_for_the_days_that_it_names_and_for_no_others() -> None:
    from_july = decided(Fraction(15, 100), JULY, date(2024, 3, 1))
    whole_year = decided(Fraction(10, 100), NEW_YEAR, date(2025, 3, 1))
    assert rate(law(from_july, whole_year), YEAR_END) == Fraction(1, 10)
    assert rate(law(from_july, whole_year), YEAR_END, date(2025, 2, 28)) == Fraction(3, 20)
    spring = decided(Fraction(5, 100), LEAP_DAY, date(2025, 3, 1), last=date(2024, 3, 31))
    policy = law(from_july, spring)
    days = (LEAP_DAY - timedelta(1), LEAP_DAY, date(2024, 3, 31), date(2024, 4, 1), JULY)
    assert [rate(policy, day) for day in days] == [Fraction(each, 20) for each in (4, 1, 1, 4, 3)]
    assert find_part_starts(policy, RULE, NEW_YEAR, YEAR_END, KNOWN) == (NEW_YEAR, LEAP_DAY, date(2024, 4, 1), JULY)


def test_after_a_repeal_what_was_used_before_is_owed_and_the_answer_says_of_which_days_nothing_is_set() -> None:
    policy = law(decided(None, JULY, last=date(2024, 9, 30)))
    assert (rate(policy, JULY), rate(policy, date(2024, 10, 1))) == (None, Fraction(1, 5))
    october = date(2024, 10, 1)
    facts = parts(spend={NEW_YEAR: 10, JULY: 1000, october: 15}, self_use=dict.fromkeys((NEW_YEAR, JULY, october), 0))
    found = answer(policy, facts)
    assert (found.status, found.amount_fen, [reason.code for reason in found.reasons]) == (
        "eligible", 5, ["setting:2.2.rate@2024-07-01"],
    )  # fmt: skip
    assert "这一段的用量未计入" in found.reasons[0].text
    assert in_sql(policy, facts) == ("eligible", 5, "setting:2.2.rate@2024-07-01")


def test_a_year_whose_rate_is_set_only_from_july_owes_what_was_used_since() -> None:
    policy = law(decided(None, NEW_YEAR), decided(Fraction(1, 10), JULY, date(2024, 2, 1)))
    facts = parts(spend={NEW_YEAR: 1000, JULY: 50}, self_use=dict.fromkeys((NEW_YEAR, JULY), 0))
    assert (answer(policy, facts).amount_fen, in_sql(policy, facts)) == (
        5, ("eligible", 5, "setting:2.2.rate@2024-01-01"),
    )  # fmt: skip
    nothing = parts(spend={NEW_YEAR: 1000, JULY: 0}, self_use=dict.fromkeys((NEW_YEAR, JULY), 0))
    both = "zero@2.2;setting:2.2.rate@2024-01-01"
    assert (";".join(reason.code for reason in answer(policy, nothing).reasons), in_sql(policy, nothing)[2]) == (
        both, both,
    )  # fmt: skip


def test_a_year_in_no_part_of_which_anything_is_set_is_not_answered() -> None:
    policy = law(decided(None, NEW_YEAR), decided(None, JULY, date(2024, 2, 1)))
    facts = parts(spend={NEW_YEAR: 10, JULY: 10}, self_use=dict.fromkeys((NEW_YEAR, JULY), 0))
    assert answer(policy, facts).status == in_sql(policy, facts)[0] == "not_set"


def test_parts_are_left_out_only_where_they_could_but_add_to_what_is_owed() -> None:
    unset = [replace(RULE.settings()[0], name=f"2.2.rate@{JULY}")]
    assert open_parts(RULE, (NEW_YEAR, JULY), unset) == {JULY}
    assert open_parts(RULE, (NEW_YEAR, JULY), [RULE.settings()[0]]) is None  # it lacks in the whole year
    assert RULE.amount is not None
    by_day = next(node for node in nodes.walk(RULE.amount) if isinstance(node, nodes.ByDay))
    fixed = nodes.Const(100, ValueKind.MONEY)
    less = replace(RULE, amount=nodes.Minus(fixed, by_day))
    deciding = replace(RULE.conditions[0], node=nodes.Compare(">=", by_day, fixed))
    for rule in (less, replace(RULE, conditions=(deciding,))):
        assert open_parts(rule, (NEW_YEAR, JULY), unset) is None


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"spend@2023-02-29": 1, "self_use@2023-02-29": 0}, "不是日历上的日期"),
        ({"kind@2024-01-01": "enterprise"}, "kind 不按日分段；可分段的：spend、self_use"),
        ({"spend@2024-01-01": 1, "self_use": 0}, "self_use 与分段的事实并存"),
        ({"spend": 3, "spend@2024-01-01": 1, "self_use@2024-01-01": 0}, "不等于各段之和"),
        ({"spend@2023-01-01": 1, "self_use@2023-01-01": 0}, "跨过两个版本：本政策2023-10-12 施行"),
        ({"spend@2025-01-01": 1, "self_use@2025-01-01": 0}, "晚于所问的 2024-12-31"),
    ],
)
def test_parts_that_cannot_be_are_refused(facts: dict[str, object], message: str) -> None:
    with pytest.raises(LawError, match=message):
        answer(LAW, facts)


def test_a_total_beside_its_parts_is_taken_for_what_it_is() -> None:
    facts = {"spend": 10, "self_use": 0, **parts(spend={NEW_YEAR: 4, JULY: 6}, self_use={NEW_YEAR: 0, JULY: 0})}
    assert answer(LAW, facts).amount_fen == 2


def test_a_part_that_is_not_known_is_asked_for_by_its_days() -> None:
    facts = parts(spend={NEW_YEAR: 10}, self_use={NEW_YEAR: 0, JULY: 0})
    assert [reason.code for reason in answer(LAW, facts).reasons] == ["missing:spend@2024-07-01"]
    assert part_starts(RULE, facts) == (NEW_YEAR, JULY)


_days = st.dates(date(2024, 1, 2), YEAR_END)
#: as offices decide them: of denominators that have nothing in common four make one beyond 64 bits, which is refused
_rates = st.integers(0, 200).map(lambda thousandths: Fraction(thousandths, 1000))


@pytest.mark.slow
@given(
    st.lists(st.tuples(_days, st.none() | st.integers(0, 120), st.none() | _rates, st.integers(0, 300)), max_size=4),
    st.booleans(), st.data(),
)  # fmt: skip
def test_the_readings_agree_on_any_decisions(
    decisions: list[tuple[date, int | None, Fraction | None, int]], without_vat: bool, data: st.DataObject
) -> None:
    known = {NEW_YEAR + timedelta(days=at): decision for at, decision in enumerate(decisions)}
    made = [
        decided(value, first, day, None if more is None else first + timedelta(more))
        for day, (first, more, value, _) in known.items()
    ]
    policy = law(*made)
    if without_vat:
        policy = with_adopted(policy, [decided("excluded", JULY, name="2.2.vat")])
    starts = find_part_starts(policy, RULE, NEW_YEAR, YEAR_END, KNOWN) or (NEW_YEAR,)
    amounts = {first: data.draw(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12))) for first in starts}
    facts = parts(
        spend={first: both[0] for first, both in amounts.items()},
        self_use={first: both[1] for first, both in amounts.items()},
    )
    owed, open_days = Fraction(0), []
    for first, (spend, own) in amounts.items():
        # plainly: the last decision made of those that name the day
        naming = [entry for entry in made if entry.holds_on(first)]
        value = (naming[-1].value if not naming[-1].repealed else None) if naming else Fraction(1, 5)
        share = Fraction(50, 53) if without_vat and first >= JULY else 1
        open_days += [first] if value is None else []
        owed += (value or 0) * share * max(spend - own, 0)  # type: ignore[operator]
    found, row = answer(policy, facts), in_sql(policy, facts)
    assert found.amount_fen == (None if len(open_days) == len(starts) else int(owed))
    assert [reason.code for reason in found.reasons if reason.code.startswith("setting:")] == [
        f"setting:2.2.rate@{day}" for day in open_days
    ]
    assert row == (found.status.value, found.amount_fen, ";".join(reason.code for reason in found.reasons))


def test_a_decision_is_found_by_every_order_of_entry() -> None:
    decisions = (decided(Fraction(1, 10), JULY), decided(Fraction(1, 8), NEW_YEAR, KNOWN))
    assert Settings(decisions).at(YEAR_END, KNOWN) == Settings(decisions[::-1]).at(YEAR_END, KNOWN)
