"""The decision sheet as a workbook: its lines, and what was declared before beside them. Typed cells, no formulas."""

from __future__ import annotations

import io
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from huisuan.law.budget import PoolMode
from huisuan.programmes.review.ranking import DecisionSheet, SheetLine, SheetStatus, TieOrder

_HEADINGS = (
    "名次", "申报", "单位", "得分", "得分（分数）", "极差", "应拨（元）", "累计应拨（元）", "拟拨（元）", "意见",
    "同分依据",
)  # fmt: skip
STATUS_NAMES = {
    SheetStatus.FUNDED: "拟足额支持",
    SheetStatus.PARTLY_FUNDED: "拟部分支持",
    SheetStatus.WAITING: "推荐，候补",
    SheetStatus.NOT_RECOMMENDED: "不推荐",
}
PLACED_NAME = "拟入选（不拨款）"
TIE_NAMES = {TieOrder.SPREAD: "极差小者在前", TieOrder.APPLIED: "先申报者在前", TieOrder.AMOUNT: "金额小者在前"}
MODE_NAMES = {PoolMode.PRO_RATA: "按比例", PoolMode.FIRST_COME: "先到先得", PoolMode.RANK: "按名次"}


def sheet_workbook(sheet: DecisionSheet, names: Mapping[str, str], title: str) -> bytes:
    """The XLSX of a sheet; `names` are the applicants' by application. Scores to two decimals, and exactly beside."""
    import xlsxwriter

    place = io.BytesIO()
    book = xlsxwriter.Workbook(
        place, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    forms = {
        "bold": book.add_format({"bold": True}),
        "yuan": book.add_format({"num_format": "#,##0.00"}),
        "score": book.add_format({"num_format": "0.00"}),
    }
    page = book.add_worksheet("决策表")
    page.freeze_panes(1, 0)
    page.set_column(0, len(_HEADINGS) - 1, 16)
    for column, text in enumerate(_HEADINGS):
        page.write_string(0, column, text, forms["bold"])
    for at, line in enumerate(sheet.lines, start=1):
        about = line.application
        page.write_number(at, 0, line.rank)
        page.write_string(at, 1, about.key)
        page.write_string(at, 2, names.get(about.key, ""))
        page.write_number(at, 3, two_decimals(about.score), forms["score"])
        page.write_string(at, 4, str(about.score))
        page.write_number(at, 5, two_decimals(about.spread), forms["score"])
        for column, fen in ((6, about.owed_fen), (7, line.running_fen), (8, line.funded_fen)):
            page.write_number(at, column, Decimal(fen).scaleb(-2), forms["yuan"])
        page.write_string(at, 9, status_name(line))
        page.write_string(at, 10, tie_name(line.tie))
    terms = book.add_worksheet("事前声明")
    terms.set_column(0, 1, 40)
    for at, (name, text) in enumerate(declared_terms(sheet, title)):
        terms.write_string(at, 0, name, forms["bold"])
        terms.write_string(at, 1, text)
    book.close()
    return place.getvalue()


def declared_terms(sheet: DecisionSheet, title: str) -> list[tuple[str, str]]:
    """What was known of a sheet before anything was ranked, by name."""
    terms = sheet.terms
    ties = "，".join([*(TIE_NAMES[tie] for tie in terms.ties), "抽签"])
    return [
        ("征集", title), ("预算（元）", f"{Decimal(terms.budget_fen).scaleb(-2):,.2f}"),
        ("合计拟拨（元）", f"{Decimal(sheet.funded_fen).scaleb(-2):,.2f}"), ("预算不足时", MODE_NAMES[terms.mode]),
        ("同分", ties), ("抽签种子", terms.seed), ("最低分", str(terms.lowest_score)),
        *([("名额", str(terms.places))] if terms.places else []), ("摘要 SHA-256", sheet.digest),
    ]  # fmt: skip


def status_name(line: SheetLine) -> str:
    """What the sheet proposes of a line, in words: who is chosen where nothing is paid is placed, not funded."""
    return PLACED_NAME if line.only_placed else STATUS_NAMES[line.status]


def tie_name(tie: str) -> str:
    """What set a line behind the one before it, in words."""
    if not tie:
        return ""
    return "抽签" if tie == "lot" else TIE_NAMES[TieOrder(tie)]


def two_decimals(value: Fraction) -> Decimal:
    """A score for the eye, half up."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)
