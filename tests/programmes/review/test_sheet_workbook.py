"""The decision sheet as XLSX, read back by another library."""

from __future__ import annotations

import io
from datetime import date
from fractions import Fraction

import openpyxl

from huisuan.law.budget import PoolMode
from huisuan.programmes.review.ranking import ScoredApplication, SheetTerms, TieOrder, make_decision_sheet
from huisuan.programmes.review.sheet_letter import sheet_letter
from huisuan.programmes.review.sheet_workbook import sheet_workbook


def test_who_is_chosen_where_nothing_is_paid_is_placed_and_not_funded() -> None:
    rows = [ScoredApplication(f"A-{at}", Fraction(90 - at), Fraction(0), 0, date(2026, 10, 8)) for at in range(2)]
    sheet = make_decision_sheet(rows, SheetTerms(0, PoolMode.RANK, (), "s", places=1))
    book = openpyxl.load_workbook(io.BytesIO(sheet_workbook(sheet, {}, "创新应用大赛")))
    assert [row[9].value for row in book["决策表"].iter_rows(min_row=2)] == ["拟入选（不拨款）", "推荐，候补"]
    (amounts, _order) = sheet_letter(sheet, {}, "创新应用大赛", "第 1 版").annexes
    assert [row[-1] for row in amounts.rows] == ["拟入选（不拨款）", "推荐，候补"]


def test_the_workbook_says_every_line_with_what_was_declared_and_runs_nothing_that_an_applicant_wrote() -> None:
    day = date(2026, 10, 8)
    rows = [
        ScoredApplication("A2026-000001", Fraction(250, 3), Fraction(20), 100_000_001, day),
        ScoredApplication("A2026-000002", Fraction(70), Fraction(5), 50_000_000, day),
    ]
    sheet = make_decision_sheet(
        rows, SheetTerms(120_000_000, PoolMode.RANK, (TieOrder.SPREAD,), "2026-10-08", Fraction(60))
    )
    file = sheet_workbook(sheet, {"A2026-000001": "=HYPERLINK(1)", "A2026-000002": "@SUM(1)"}, "揭榜挂帅")
    book = openpyxl.load_workbook(io.BytesIO(file))
    lines = [[cell.value or "" for cell in row] for row in book["决策表"].iter_rows(min_row=2)]
    owed = 1_000_000.01
    assert lines == [
        [1, "A2026-000001", "=HYPERLINK(1)", 83.33, "250/3", 20, owed, owed, owed, "拟足额支持", ""],
        [2, "A2026-000002", "@SUM(1)", 70, "70", 5, 500_000, 1_500_000.01, 199_999.99, "拟部分支持", ""],
    ]
    assert {cell.data_type for row in book["决策表"].iter_rows() for cell in row} <= {"s", "n"}  # no formula
    declared = {row[0].value: row[1].value for row in book["事前声明"].iter_rows()}
    assert declared["预算（元）"] == "1,200,000.00"
    assert declared["同分"] == "极差小者在前，抽签"
    assert declared["摘要 SHA-256"] == sheet.digest
