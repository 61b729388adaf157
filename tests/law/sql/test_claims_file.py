"""A file of claims is summed as its claims are one by one: status, fen and reasons, in any order of entry."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from huisuan.law.explain.limits import shared_limits
from huisuan.law.model.errors import LawError
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.claims_file import claims_file
from support.random_claims import DAY, in_bulk, one_by_one, random_claims
from support.summing_policy import summing_policy


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    return summing_policy(tmp_path_factory.mktemp("policy"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_file_is_summed_as_its_claims_are_one_by_one(policy: Policy, tmp_path: Path, seed: int) -> None:
    rows = random_claims(seed, 500)
    summary, told = in_bulk(policy, rows, tmp_path)
    apart = [pair for pair in zip(one_by_one(policy, rows), told, rows, strict=True) if pair[0] != pair[1]]
    assert apart == []
    assert summary.amount_fen == sum(amount or 0 for _, _, amount, _ in told)
    codes = {code.partition("@")[0].partition(":")[0] for *_, reasons in told for code in reasons.split(";")}
    assert {"repeats", "undecided", "together", "capped", "failed", "missing"} <= codes


@pytest.mark.slow
def test_the_order_of_entry_changes_nobodys_amount(policy: Policy, tmp_path: Path) -> None:
    rows = random_claims(7, 400)
    _, told = in_bulk(policy, rows, tmp_path)
    shuffled = random.Random(1).sample(range(len(rows)), len(rows))
    _, again = in_bulk(policy, [rows[at] for at in shuffled], tmp_path)
    assert [told[at] for at in shuffled] == again


def test_a_csv_without_names_is_told_by_rows_and_one_without_claimants_is_refused(
    policy: Policy, tmp_path: Path
) -> None:
    source, target = tmp_path / "dup.csv", tmp_path / "out.csv"
    source.write_text("claimant,fee,billed_on,bill\n甲,160000000,2024-03-01,1\n甲,400000000,2024-03-02,2\n", "utf-8")
    rules = [policy.rule("1.2")]
    limits = shared_limits(policy, DAY, DAY)
    summary = claims_file(policy, rules, limits, source, target, on=DAY, as_known=DAY)
    assert (summary.rows, summary.amount_fen) == (2, 40_000_000)
    assert target.read_text("utf-8").splitlines() == [
        "claimant,period,status,amount_fen,reasons", '甲,2024,eligible,16000000,""',
        "甲,2024,eligible,24000000,capped@1.2",
    ]  # fmt: skip
    source.write_text("fee,billed_on,bill\n1,2024-03-01,1\n", "utf-8")
    with pytest.raises(LawError, match="claimant"):
        claims_file(policy, rules, limits, source, target, on=DAY, as_known=DAY)


def test_a_claim_of_another_rule_is_named_by_its_row(policy: Policy, tmp_path: Path) -> None:
    rows = random_claims(3, 4)
    rows[2]["rule"] = "9.9"
    with pytest.raises(LawError, match="第 3 笔"):
        in_bulk(policy, rows, tmp_path)
