"""A cell is read alike in a form (explain) and in a file (SQL); shown on a policy of its own, in its own folder."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import compute_file
from support.trial_policy import DAY, by_form, trial_policy


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return trial_policy(tmp_path)


def by_file(policy: Policy, folder: Path, finished: str, part: str) -> tuple[str, str, str]:
    source, target = folder / "in.csv", folder / "out.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("finished", "part", "cost"), (finished, part, "10000")])
    compute_file(policy, policy.rule("1.1"), source, target, on=DAY, as_known=DAY)
    (row,) = csv.DictReader(target.open(encoding="utf-8"))
    return row["status"], row["amount_fen"], row["reasons"]


@pytest.mark.parametrize(
    ("finished", "part", "amount"),
    [
        ("2024-12-31", "20%", "2000"),
        ("2024-12-31", "1/3", "3333"),
        (" 2024-12-31 ", " 12.34% ", "1234"),
        ("2024-12-31", "9999/10000", "9999"),
        ("2025-01-01", "20%", "0"),
        ("0000-01-01", "20%", ""),
        ("2024-02-30", "20%", ""),
        ("２０２４-12-31", "20%", ""),
        ("2024-12-31", "5.000%", ""),
        ("2024-12-31", "2/20000", ""),
        ("2024-12-31", "1/03", ""),
        ("2024-12-31", "１/３", ""),
        ("2024-12-31", "100000/100000", ""),
        ("2024-12-31", "0000001%", ""),
        ("2024-12-31", "101%", ""),
        ("2024-12-31", "3/2", ""),
        ("2024-12-31", "1/0", ""),
        ("2024-12-31", "0.2", ""),
    ],
)
def test_a_cell_means_the_same_in_a_form_and_in_a_file(
    policy: Policy, tmp_path: Path, finished: str, part: str, amount: str
) -> None:
    found = by_form(policy, finished, part)
    assert found == by_file(policy, tmp_path, finished, part)
    assert found[1] == amount
