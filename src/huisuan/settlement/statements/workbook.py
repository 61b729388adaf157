"""The statement as a workbook: a sheet of totals beside the bills, a sheet of lines. Typed cells, no formulas."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

from huisuan.settlement.statements.lines import FirmStatement

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TOTALS = ("智算中心", "名称", "卡时", "金额（元）", "账单（元）")
_LINES = ("项目", "项目名称", "人员", "智算中心", "型号", "每卡时（元）", "自", "至", "卡秒", "卡时", "金额（元）")


def workbook(statement: FirmStatement) -> bytes:
    """The whole file."""
    import xlsxwriter

    place = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(place, options)
    forms = {
        "bold": book.add_format({"bold": True}),
        "yuan": book.add_format({"num_format": "#,##0.00"}),
        "whole": book.add_format({"num_format": "#,##0"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    _totals(book.add_worksheet("汇总"), statement, forms)
    _lines(book.add_worksheet("明细"), statement, forms)
    book.close()
    return place.getvalue()


def _totals(sheet: Any, statement: FirmStatement, forms: dict[str, Any]) -> None:
    party = statement.party
    sheet.set_column(0, 4, 18)
    sheet.write_string(0, 0, f"{party.name}（{party.uscc}）{statement.month} 对账单", forms["bold"])
    note = "按计量与每天的价目；每个中心的金额四舍五入到分一次，与账单同法。补助按年结算，不在其中。"
    sheet.write_string(1, 0, note)
    _headings(sheet, 3, _TOTALS, forms)
    line = 3
    for line, total in enumerate(statement.totals, start=4):
        sheet.write_string(line, 0, total.centre)
        sheet.write_string(line, 1, total.centre_name)
        sheet.write_number(line, 2, _hours(total.card_seconds), forms["yuan"])
        sheet.write_number(line, 3, _yuan(total.fen), forms["yuan"])
        if total.billed_fen is not None:
            sheet.write_number(line, 4, _yuan(total.billed_fen), forms["yuan"])
    sheet.write_string(line + 1, 0, "合计", forms["bold"])
    sheet.write_number(line + 1, 2, _hours(statement.card_seconds), forms["yuan"])
    sheet.write_number(line + 1, 3, _yuan(statement.fen), forms["yuan"])


def _lines(sheet: Any, statement: FirmStatement, forms: dict[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(_LINES) - 1, 16)
    _headings(sheet, 0, _LINES, forms)
    for at, line in enumerate(statement.lines, start=1):
        texts = (line.project or "不经平台", line.project_name, line.user, line.centre, line.model)
        for column, text in enumerate(texts):
            sheet.write_string(at, column, text)
        if line.fen_per_card_hour is not None:
            sheet.write_number(at, 5, _yuan(line.fen_per_card_hour), forms["yuan"])
        else:
            sheet.write_string(at, 5, "没有价目")
        sheet.write_datetime(at, 6, line.first_day, forms["day"])
        sheet.write_datetime(at, 7, line.last_day, forms["day"])
        sheet.write_number(at, 8, line.card_seconds, forms["whole"])
        sheet.write_number(at, 9, _hours(line.card_seconds), forms["yuan"])
        sheet.write_number(at, 10, _yuan(line.fen), forms["yuan"])


def _headings(sheet: Any, at: int, texts: tuple[str, ...], forms: dict[str, Any]) -> None:
    for column, text in enumerate(texts):
        sheet.write_string(at, column, text, forms["bold"])


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _hours(card_seconds: int) -> Decimal:
    return (Decimal(card_seconds) / 3600).quantize(Decimal("0.01"))
