"""A third policy joins a ground from its own folder: placed by its level, unable to break the others' calculator."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huisuan.law.cases.policy_check import check_policy
from huisuan.law.explain.combine import CombinedAnswer, RuleInput, combine_answers
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.overlap import SharedSpend
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.stacking import PolicyRule, rules_by_ground
from huisuan.law.sql.stack_file import stack_file
from support.third_policy import third_policy

DAY = date(2025, 6, 30)
PROVINCE, CITY = load_policy("anhui-agi-2023"), load_policy("wuhu-compute-2025")
Row = dict[str, Any]
USER = {
    "in_anhui": True,
    "kind": "enterprise",
    "spend": 1_000_000,
    "self_use": 0,
    "local_spend": 200_000,
    "cost": 50_000,
}
RULES = {"anhui-agi-2023": "2.2", "wuhu-compute-2025": "w.2", "some-county-2025": "1.1"}


def combined(row: Row, *policies: Policy, shared: tuple[SharedSpend, ...] = ()) -> CombinedAnswer:
    places = [PolicyRule(policy, policy.rule(RULES[policy.name])) for policy in policies]
    asked = [RuleInput(place, {spec.name: row.get(spec.name) for spec in place.rule.facts}) for place in places]
    (found,) = combine_answers(asked, on=DAY, as_known=DAY, shared=shared)
    return found


def payable(found: CombinedAnswer) -> list[tuple[str, int | None]]:
    return [(row.place.rule.key, row.payable_fen) for row in found.rows]


def test_the_levels_give_the_order_whatever_the_order_of_the_folders(tmp_path: Path) -> None:
    county = third_policy(tmp_path)
    # of the province's 20% and the city's 25% of each yuan 55% is left of the county's 50,000; it pays half of that
    expected = [("2.2", 200_000), ("w.2", 50_000), ("1.1", 13_750)]
    for policies in ((PROVINCE, CITY, county), (county, CITY, PROVINCE), (CITY, county, PROVINCE)):
        assert payable(combined(USER, *policies)) == expected


def test_what_only_two_of_the_three_share_is_no_matter_of_the_third(tmp_path: Path) -> None:
    county = third_policy(tmp_path)
    shared = (SharedSpend(frozenset({"anhui-agi-2023/2.2", "some-county-2025/1.1"}), 50_000),)
    found = combined(USER, PROVINCE, CITY, county, shared=shared)
    assert payable(found) == [("2.2", 200_000), ("w.2", 50_000), ("1.1", 20_000)]
    assert found.spent_fen == 1_200_000


@pytest.mark.parametrize(
    ("level", "issued"),
    [("nation", "2020-01-01"), ("province", "2024-01-01"), ("city", "2020-01-01"), ("county", "2020-01-01")],
)
def test_a_folder_that_declares_nothing_changes_nobody_elses_answer(tmp_path: Path, level: str, issued: str) -> None:
    silent = third_policy(tmp_path, level=level, declares=False, issued=issued)
    found = payable(combined(USER, PROVINCE, CITY, silent))
    assert found[:2] == payable(combined(USER, PROVINCE, CITY))
    assert found[2] == ("1.1", None)


def test_its_own_check_says_what_it_must_declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path))
    silent = third_policy(tmp_path, declares=False)
    wrong = [finding.what for finding in check_policy(silent).findings if "叠加" in finding.what]
    assert len(wrong) == 1
    assert "anhui-agi-2023/2.2、wuhu-compute-2025/w.2" in wrong[0]
    assert not [finding for finding in check_policy(CITY).findings if "付款" in finding.what]


def test_a_file_is_combined_by_three_policies_as_each_case_is(tmp_path: Path) -> None:
    county = third_policy(tmp_path)
    chance = random.Random(14)

    def fen(most: int) -> int | None:
        return chance.choice([None, 0, 5, chance.randrange(most), chance.randrange(most)])

    rows: list[Row] = [
        {
            **USER,
            "spend": fen(10**9),
            "local_spend": fen(10**8),
            "cost": fen(10**9),
            "self_use": chance.choice([0, 0, None]),
        }
        for _ in range(300)
    ]
    source, target = tmp_path / "facts.parquet", tmp_path / "stacked.parquet"
    pq.write_table(pa.Table.from_pylist(rows), source)
    (layer,) = [layer for layer in rules_by_ground([PROVINCE, county, CITY]) if layer.ground == "compute-spend"]
    stack_file(layer, source, target, on=DAY, as_known=DAY)
    told = duckdb.sql(f"""SELECT "2.2 payable_fen", "w.2 payable_fen", "1.1 payable_fen" FROM '{target}'""").fetchall()
    assert told == [tuple(fen for _, fen in payable(combined(row, PROVINCE, CITY, county))) for row in rows]
