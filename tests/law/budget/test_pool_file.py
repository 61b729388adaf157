"""`law payout`: what is owed is paid out of a fund to the fen, or refused with every row that cannot be used."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.law.cli.law_commands import app

RUN = CliRunner()
OWED = (
    "claimant,claim,amount_fen,status,applied_on,rank\n"
    "甲,一,60000,eligible,2025-03-02,1\n乙,一,30000,eligible,2025-03-01,3\n"
    "甲,二,10000,eligible,2025-03-03,4\n丙,一,,not_eligible,2025-03-01,9\n丁,一,20000,eligible,2025-03-02,2\n"
)


def pay(folder: Path, text: str, *options: str) -> tuple[int, dict[str, object], list[str]]:
    """The exit code, the JSON, and what the file says that each row is paid."""
    source, target = folder / "owed.csv", folder / "paid.csv"
    source.write_text(text, encoding="utf-8")
    asked = ["payout", "wuhu-compute-2025", "w.4", "--input", str(source), "--output", str(target), "--json"]
    result = RUN.invoke(app, [*asked, "--on", "2025-06-30", "--as-known", "2025-06-30", *options])
    if result.exit_code:
        assert not target.exists()
        return result.exit_code, {"error": f"{result.exception}"}, []
    with target.open(encoding="utf-8", newline="") as file:
        return 0, json.loads(result.stdout), [row["paid_fen"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("mode", "paid", "by_applicant"),
    [
        ("pro_rata", ["30000", "15000", "5000", "0", "10000"], [35000, 15000, 0, 10000]),
        ("first_come", ["22500", "30000", "0", "0", "7500"], [22500, 30000, 0, 7500]),
        ("rank", ["60000", "0", "0", "0", "0"], [60000, 0, 0, 0]),
    ],
)
def test_each_applicant_is_paid_by_the_way_supposed_and_all_add_up_to_the_fund(
    tmp_path: Path, mode: str, paid: list[str], by_applicant: list[int]
) -> None:
    _, told, rows = pay(tmp_path, OWED, "--pool", "600元", "--mode", mode)
    assert rows == paid
    assert [row["paid_fen"] for row in told["applicants"]] == by_applicant  # type: ignore[attr-defined]
    assert (told["fund_fen"], told["owed_fen"], told["paid_fen"]) == (60000, 120000, 60000)


def test_a_fund_that_suffices_pays_everybody_and_needs_no_way_to_share(tmp_path: Path) -> None:
    _, told, rows = pay(tmp_path, OWED)
    assert rows == ["60000", "30000", "10000", "0", "20000"]
    assert (told["fund_fen"], told["paid_fen"]) == (1_000_000_000, 120000)


def test_a_fund_too_small_without_a_way_to_share_it_pays_nobody_less(tmp_path: Path) -> None:
    code, told, _ = pay(tmp_path, OWED, "--pool", "1元")
    assert code == 1
    assert "资金不足时如何分" in str(told["error"])


def test_every_row_that_cannot_be_used_is_named_and_nothing_is_paid(tmp_path: Path) -> None:
    text = (
        "claimant,amount_fen,status,rank\n甲,1.5,,1\n,5,,2\n乙,-1,,3\n丙,5,missing_facts,4\n丁,,,5\n戊,5,,0\n"
        "己,5,,7\n己,6,,8\n庚,٣,,9\n"
    )
    code, told, _ = pay(tmp_path, text)
    assert code == 1
    named = [
        "第 1 笔：列 amount_fen 是“1.5”", "第 2 笔：列 claimant 为空", "第 3 笔：列 amount_fen 是“-1”",
        "第 4 笔：列 status 为 missing_facts", "第 5 笔：列 amount_fen 为空", "第 6 笔：列 rank 是“0”",
        "第 8 笔：与第 7 笔同为“己”", "第 9 笔：列 amount_fen 是“٣”",
    ]  # fmt: skip
    assert [words for words in named if words not in str(told["error"])] == []


def test_a_turn_that_is_missing_is_refused_by_whose_it_is(tmp_path: Path) -> None:
    text = OWED.replace("2025-03-03", "")
    code, told, _ = pay(tmp_path, text, "--pool", "600元", "--mode", "first_come")
    assert code == 1
    assert "甲 / 二 缺申报日期" in str(told["error"])
    assert pay(tmp_path, OWED.replace("2025-03-03", "3月3日"), "--pool", "600元")[0] == 1
