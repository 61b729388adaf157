"""A budget shared out by performance adds up to the fen, whatever the order, and follows the published formula."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from huisuan.law.budget.allotment import allot_budget, largest_remainder
from huisuan.law.cli.law_commands import app
from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy

DAY = date(2024, 12, 31)
POLICY = load_policy("anhui-agi-2023")
RULE = POLICY.allotment("4.1.cities")

COUNTS = st.fixed_dictionaries(
    {"sales": st.integers(0, 10**13), "subsidised": st.integers(0, 10**12), "vendors": st.integers(0, 10**6)}
)
CITIES = st.dictionaries(st.sampled_from([f"市{n}" for n in range(16)]), COUNTS, min_size=1)


def test_three_cities_by_hand() -> None:
    rows = {
        "甲市": {"sales": 600, "subsidised": 100, "vendors": 5},
        "乙市": {"sales": 300, "subsidised": 100, "vendors": 5},
        "丙市": {"sales": 100, "subsidised": 0, "vendors": 0},
    }
    done = allot_budget(POLICY, RULE, rows, on=DAY, as_known=DAY, budget_fen=1_000)
    # 甲 40%×60% + 40%×50% + 20%×50% = 54%；乙 12% + 20% + 10% = 42%；丙 4%
    assert [(share.name, share.score, share.amount_fen) for share in done.shares] == [
        ("甲市", Fraction(54, 100), 540), ("乙市", Fraction(42, 100), 420), ("丙市", Fraction(4, 100), 40),
    ]  # fmt: skip
    assert "40% × 供应商数据交易额合计占全省的比重" in done.formula()


@given(CITIES, st.integers(0, 10**13))
def test_shares_add_up_to_the_budget_and_nobody_is_a_fen_from_its_quota(
    rows: dict[str, dict[str, int]], budget: int
) -> None:
    if not any(value for row in rows.values() for value in row.values()):
        return
    done = allot_budget(POLICY, RULE, rows, on=DAY, as_known=DAY, budget_fen=budget)
    assert sum(share.amount_fen for share in done.shares) == budget
    assert all(abs(share.amount_fen - share.quota_fen) < 1 and share.amount_fen >= 0 for share in done.shares)
    backwards = dict(reversed(rows.items()))
    again = allot_budget(POLICY, RULE, backwards, on=DAY, as_known=DAY, budget_fen=budget)
    assert {share.name: share.amount_fen for share in again.shares} == {
        share.name: share.amount_fen for share in done.shares
    }


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 10**6).map(Fraction), min_size=1), st.integers(0, 10**12))
def test_whoever_weighs_more_never_gets_less(weights: dict[str, Fraction], total: int) -> None:
    parts = largest_remainder(total, weights)
    assert sum(parts.values()) == total
    ordered = sorted(weights, key=lambda name: weights[name])
    assert all(parts[less] <= parts[more] + (weights[less] == weights[more]) for less, more in pairwise(ordered))


def test_without_a_budget_and_without_performance_it_says_what_is_missing() -> None:
    nothing = {"甲市": {"sales": 0, "subsidised": 0, "vendors": 0}}
    with pytest.raises(LawError, match=r"4\.1\.budget.*尚未确定"):
        allot_budget(POLICY, RULE, nothing, on=DAY, as_known=DAY)
    with pytest.raises(LawError, match="没有任何一方有绩效"):
        allot_budget(POLICY, RULE, nothing, on=DAY, as_known=DAY, budget_fen=100)
    with pytest.raises(LawError, match="不在政策有效期"):
        allot_budget(POLICY, RULE, nothing, on=date(2026, 1, 1), as_known=DAY, budget_fen=100)


def test_every_bad_cell_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    source = tmp_path / "cities.csv"
    source.write_text("name,sales,subsidised,vendors\n甲市,10,1.5,3\n乙市,,2,-1\n甲市,1,1,1\n", encoding="utf-8")
    found = CliRunner().invoke(
        app, ["allot", "anhui-agi-2023", "4.1.cities", "--input", str(source), "--budget", "100"]
    )
    assert found.exit_code != 0
    message = str(found.exception)
    for part in ("行 2，列 subsidised：“1.5”", "行 3，列 sales", "行 3，列 vendors：“-1”", "行 4：甲市 出现了两次"):
        assert part in message
