"""Two rules that pay for the same: a declared order, three ways to combine, and never more than was spent."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.explain.combine import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_folder, load_policy
from huisuan.law.policy.overlap import SharedSpend
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.settings import Settings
from huisuan.law.policy.stacking import PolicyRule, StackedRules, rules_by_ground
from huisuan.law.sql.stack_file import stack_file

DAY = date(2025, 6, 30)
MOST = 10**12
BOTH = frozenset({"anhui-agi-2023/2.2", "wuhu-compute-2025/w.2"})
PROVINCE, CITY = load_policy("anhui-agi-2023"), load_policy("wuhu-compute-2025")
MODES = ("together", "rest", "once", "better")


def with_option(policy: Policy, name: str, option: str) -> Policy:
    adopted = tuple(
        replace(adopted, value=option) if adopted.name == name else adopted for adopted in policy.settings.adopted
    )
    return replace(policy, settings=Settings(adopted))


def combined(mode: str, spend: int, local: int, **others: Any) -> CombinedAnswer:
    city = with_option(CITY, "w.2.with_province", mode)
    user = {"in_anhui": True, "kind": "enterprise", "spend": spend, "self_use": 0} | others
    asked = [
        RuleInput(PolicyRule(PROVINCE, PROVINCE.rule("2.2")), user),
        RuleInput(PolicyRule(city, city.rule("w.2")), {"kind": "enterprise", "local_spend": local}),
    ]
    (found,) = combine_answers(asked, on=DAY, as_known=DAY)
    return found


@pytest.mark.parametrize(
    ("mode", "province", "city"),
    [
        ("together", 20_000_000, 25_000_000),
        ("rest", 20_000_000, 20_000_000),
        ("once", 20_000_000, 0),
        ("better", 20_000_000, 5_000_000),
    ],
)
def test_a_million_yuan_of_compute_in_wuhu(mode: str, province: int, city: int) -> None:
    found = combined(mode, 100_000_000, 100_000_000)
    assert [row.payable_fen for row in found.rows] == [province, city]
    assert [used.value for used in found.questions] == [mode]


def test_where_the_province_pays_nothing_the_city_pays_in_full_even_once() -> None:
    found = combined("once", 100_000_000, 100_000_000, in_anhui=False)
    assert [row.payable_fen for row in found.rows] == [0, 25_000_000]


def test_what_is_cut_says_so_with_the_amount_that_was_owed() -> None:
    found = combined("once", 100_000_000, 100_000_000)
    reason = found.rows[1].reason
    assert reason is not None
    assert (reason.code, "250,000.00" in reason.text) == ("stacked@w.2", True)


def test_while_the_first_is_undecided_the_second_is_too() -> None:
    found = combined("together", 100_000_000, 100_000_000, self_use=None)
    assert [row.payable_fen for row in found.rows] == [None, None]
    assert found.rows[1].reason is not None
    assert found.rows[1].reason.code == "stacking@w.2"


def test_a_combination_that_nobody_set_pays_the_first_only() -> None:
    city = replace(CITY, settings=Settings(tuple(e for e in CITY.settings.adopted if e.name != "w.2.with_province")))
    user = {"in_anhui": True, "kind": "enterprise", "spend": 100, "self_use": 0}
    asked = [
        RuleInput(PolicyRule(city, city.rule("w.2")), {"kind": "enterprise", "local_spend": 100}),
        RuleInput(PolicyRule(PROVINCE, PROVINCE.rule("2.2")), user),
    ]
    (found,) = combine_answers(asked, on=DAY, as_known=DAY)
    assert [(row.place.rule.key, row.payable_fen) for row in found.rows] == [("2.2", 20), ("w.2", None)]


def test_the_rest_is_taken_off_the_common_part_alone() -> None:
    found = combined("rest", 100_000_000, 20_000_000)
    assert [row.payable_fen for row in found.rows] == [20_000_000, 4_000_000]


@pytest.mark.parametrize("mode", MODES)
def test_a_year_that_is_told_part_by_part_is_combined_as_the_whole_of_it(mode: str) -> None:
    city = with_option(CITY, "w.2.with_province", mode)
    halves = {"spend@2025-01-01": 60_000_000, "spend@2025-07-01": 40_000_000}
    own = dict.fromkeys(("self_use@2025-01-01", "self_use@2025-07-01"), 0)
    asked = [
        RuleInput(
            PolicyRule(PROVINCE, PROVINCE.rule("2.2")), {"in_anhui": True, "kind": "enterprise", **halves, **own}
        ),
        RuleInput(PolicyRule(city, city.rule("w.2")), {"kind": "enterprise", "local_spend": 20_000_000}),
    ]
    (found,) = combine_answers(asked, on=date(2025, 12, 31), as_known=date(2025, 12, 31))
    expected = combined(mode, 100_000_000, 20_000_000)
    assert [row.payable_fen for row in found.rows] == [row.payable_fen for row in expected.rows]
    assert found.spent_fen == expected.spent_fen == 100_000_000


@given(st.sampled_from(MODES), st.integers(0, MOST), st.integers(0, MOST), st.integers(0, MOST))
def test_together_they_never_pay_more_than_was_spent(mode: str, spend: int, local: int, own: int) -> None:
    found = combined(mode, spend, min(local, spend), self_use=own)
    assert 0 <= found.payable_fen <= spend
    for row in found.rows:
        assert row.payable_fen is not None
        assert 0 <= row.payable_fen <= (row.answer.amount_fen or 0)


@given(st.sampled_from(MODES), st.integers(0, MOST), st.integers(0, MOST))
def test_more_spend_never_brings_less_in_all(mode: str, spend: int, more: int) -> None:
    larger = min(spend + more, MOST)
    assert combined(mode, larger, larger).payable_fen >= combined(mode, spend, spend).payable_fen


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("declared", [False, True])
def test_a_file_is_combined_as_each_case_is(mode: str, declared: bool, tmp_path: Path) -> None:
    chance = random.Random(2025)
    rows = [_row(chance) for _ in range(300)]
    common = [min(row["spend"] or 0, row["local_spend"] or 0) // chance.choice([1, 2, 3]) for row in rows]
    source, target = tmp_path / "facts.parquet", tmp_path / "stacked.parquet"
    stated = [{"2.2+w.2 common_fen": fen} if declared else {} for fen in common]
    pq.write_table(
        pa.Table.from_pylist([{"party": str(at), **row, **stated[at]} for at, row in enumerate(rows)]), source
    )
    city = with_option(CITY, "w.2.with_province", mode)
    sums = stack_file(layer_of(PROVINCE, city), source, target, on=DAY, as_known=DAY)
    told = duckdb.sql(
        f"""SELECT party, "2.2 amount_fen", "2.2 payable_fen", "w.2 amount_fen", "w.2 payable_fen" FROM '{target}'"""
    ).fetchall()
    assert [row[0] for row in told] == [str(at) for at in range(len(rows))]
    for at, (row, (_, *amounts)) in enumerate(zip(rows, told, strict=True)):
        found = _one(city, row, [SharedSpend(BOTH, common[at])] if declared else [])
        assert amounts == [fen for row in found.rows for fen in (row.answer.amount_fen, row.payable_fen)], row
    assert sums[1].payable_fen == sum(row[4] or 0 for row in told)


def layer_of(*policies: Policy) -> StackedRules:
    (layer,) = [layer for layer in rules_by_ground(policies) if layer.ground == "compute-spend"]
    return layer


def test_a_common_part_larger_than_a_claim_is_refused_in_one_case_and_in_its_row_of_a_file(tmp_path: Path) -> None:
    row = {"in_anhui": True, "kind": "enterprise", "spend": 1000, "self_use": 0, "local_spend": 500}
    with pytest.raises(LawError, match="不能大于任何一方") as refusal:
        _one(CITY, row, [SharedSpend(BOTH, 501)])
    assert refusal.value.code == "law.overlap_too_large"
    source, target = tmp_path / "facts.parquet", tmp_path / "stacked.parquet"
    rows = [{**row, "2.2+w.2 common_fen": 501}, {**row, "2.2+w.2 common_fen": 500}]
    pq.write_table(pa.Table.from_pylist(rows), source)
    stack_file(layer_of(PROVINCE, CITY), source, target, on=DAY, as_known=DAY)
    told = duckdb.sql(f"""SELECT "2.2 payable_fen", "w.2 payable_fen", "w.2 reasons" FROM '{target}'""").fetchall()
    assert told == [(None, None, "overlap@w.2"), (200, 125, "")]


def test_bill_lines_say_what_is_common() -> None:
    city = with_option(CITY, "w.2.with_province", "rest")
    province = RuleInput(
        PolicyRule(PROVINCE, PROVINCE.rule("2.2")),
        {"in_anhui": True, "kind": "enterprise", "spend": 1000, "self_use": 0}, {"hefei-1": 800, "wuhu-1": 200},
    )  # fmt: skip
    local = RuleInput(
        PolicyRule(city, city.rule("w.2")), {"kind": "enterprise", "local_spend": 600}, {"wuhu-1": 200, "own-2": 400}
    )
    (found,) = combine_answers([province, local], on=DAY, as_known=DAY)
    assert [row.payable_fen for row in found.rows] == [200, 140]  # (600 - 40) / 4
    assert found.spent_fen == 1400
    with pytest.raises(LawError, match="不等于支出"):
        combine_answers([replace(province, lines={"hefei-1": 800}), local], on=DAY, as_known=DAY)
    other = replace(local, lines={"wuhu-1": 300, "own-2": 300})
    with pytest.raises(LawError, match="账单行 wuhu-1"):
        combine_answers([province, other], on=DAY, as_known=DAY)


def _row(chance: random.Random) -> dict[str, Any]:
    spend = chance.choice([None, chance.randrange(10 ** chance.randrange(1, 13)), 0, 5])
    return {
        "in_anhui": chance.choice([True, True, True, False, None]),
        "kind": chance.choice(["enterprise", "other", None]),
        "spend": spend, "self_use": chance.choice([0, 0, spend, None]),
        "local_spend": chance.choice([spend, 7, chance.randrange(10**10), None]),
    }  # fmt: skip


def _one(city: Policy, row: dict[str, Any], shared: Sequence[SharedSpend] = ()) -> CombinedAnswer:
    rules = (PolicyRule(PROVINCE, PROVINCE.rule("2.2")), PolicyRule(city, city.rule("w.2")))
    asked = [RuleInput(place, {spec.name: row.get(spec.name) for spec in place.rule.facts}) for place in rules]
    (found,) = combine_answers(asked, on=DAY, as_known=DAY, shared=shared)
    return found


def test_the_second_policy_is_a_folder_and_nothing_else() -> None:
    root = Path(__file__).parents[3] / "src"
    named = [path for path in root.rglob("*.py") if "wuhu-compute" in path.read_text(encoding="utf-8")]
    assert named == []


def copied(policy: Policy, to: Path, old: str, new: str) -> Path:
    folder = to / policy.name
    shutil.copytree(policy.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in folder.glob("a*.py"):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return folder


def test_two_rules_of_one_policy_without_an_order_are_refused_at_loading(tmp_path: Path) -> None:
    folder = copied(PROVINCE, tmp_path, 'article.stacks("city-subsidy"', 'article.stacks("another"')
    with pytest.raises(LawError, match=r"1\.2.*8\.2.*没有声明先后"):
        load_folder(folder)


def test_one_city_subsidy_earns_the_province_money_once_unless_interpreted_otherwise() -> None:
    project = {"city_paid": 3_000_000, "city": "340100"}
    centre = {"added_p": 400, "finished_on": date(2024, 6, 30), "city_qualifies": True} | project
    for option, payable in (("once", [1_000_000, 0]), ("together", [1_000_000, 900_000])):
        policy = with_option(PROVINCE, "0.1.same_subsidy", option)
        asked = [
            RuleInput(PolicyRule(policy, policy.rule("1.2")), centre),
            RuleInput(PolicyRule(policy, policy.rule("8.2")), {"key_technology": True, **project}),
        ]
        (found,) = combine_answers(asked, on=DAY, as_known=DAY)
        assert [row.payable_fen for row in found.rows] == payable
