"""The cells of a CSV or XLSX file as text, exactly as their author sees them, or why a cell cannot be taken.

XLSX holds numbers as binary fractions. Fifteen significant digits are what a spreadsheet shows and keeps of what was
typed, so a number is read to fifteen digits and no further; one that would need more is refused instead of guessed.
A formula is refused too: the file may carry a result that was never computed.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias

from huisuan.law.model.errors import LawError

FORM_SHEET = "填报"
SIGNIFICANT = 15
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
XLSX_MARK = b"PK\x03\x04"
OLD_EXCEL_MARK = b"\xd0\xcf\x11\xe0"
CELL_LIMIT = 1_000_000  # characters
UNPACKED_LIMIT = 1_000_000_000  # bytes
_LITERAL = re.compile(r'"[^"]*"|\\.')  # of a number format: what is shown as it stands, and scales nothing


_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, TypeError, ValueError, SyntaxError)


@dataclass(frozen=True)
class UnreadableCell:
    """A cell that cannot be taken, whatever its fact: what it shows, what was expected, what to do."""

    shown: str
    expected: str
    remedy: str


SheetCell: TypeAlias = str | UnreadableCell


def read_rows(content: bytes, name: str) -> Iterator[tuple[int, list[SheetCell]]]:
    """The rows of a file with their numbers as a spreadsheet shows them, from 1.

    Raises:
        LawError: neither CSV nor XLSX, or one that cannot be opened.
    """
    if content.startswith(XLSX_MARK):
        return _read_xlsx(content, name)
    if content.startswith(OLD_EXCEL_MARK):
        raise LawError(
            f"{name}：是旧版 Excel（.xls）或加了密码的文件；请去掉密码，另存为 .xlsx", code="law.sheet_old_excel"
        )
    if content.startswith(UTF16_MARKS):
        raise LawError(f"{name}：是“Unicode 文本”；请另存为“CSV UTF-8（逗号分隔）”或 .xlsx", code="law.sheet_encoding")
    return _read_csv(_decode(content, name), name)


def _decode(content: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise LawError(
        f"{name}：不是 CSV 或 XLSX（文字编码既不是 UTF-8 也不是 GB18030）；请另存为“CSV UTF-8”或 .xlsx",
        code="law.sheet_encoding",
    )


def _read_csv(text: str, name: str) -> Iterator[tuple[int, list[SheetCell]]]:
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    try:
        for row, cells in enumerate(reader, start=1):
            yield row, list(cells)
    except csv.Error as error:
        raise LawError(
            f"{name} 行 {row + 1}：引号或分隔符不成对（{error}）；请用表格软件打开后重新另存",
            code="law.sheet_malformed",
        ) from None


def _read_xlsx(content: bytes, name: str) -> Iterator[tuple[int, list[SheetCell]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > UNPACKED_LIMIT:
                raise LawError(
                    f"{name}：解开后超过 {UNPACKED_LIMIT:,} 字节；请分成几个文件", code="law.sheet_too_large"
                )
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        sheet: Any = book[FORM_SHEET] if FORM_SHEET in book.sheetnames else book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its own size may be wrong
        for row, cells in enumerate(sheet.iter_rows(), start=1):
            yield row, [_read_cell(cell) for cell in cells]
    except (InvalidFileException, *_BROKEN) as error:
        raise LawError(
            f"{name}：打不开这个 XLSX（{error}）；请用表格软件打开后另存为 .xlsx", code="law.sheet_malformed"
        ) from None


def _read_cell(cell: Any) -> SheetCell:
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        return UnreadableCell(str(value), "填写的值，而不是公式", "请复制后“选择性粘贴”为数值")
    if cell.data_type == "e":
        return UnreadableCell(str(value), "填写的值", "单元格里是错误值，请改正")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _format_number(value, per_cent="%" in _LITERAL.sub("", str(cell.number_format)))
    return _format_day(value) if isinstance(value, date) else str(value)


def _format_day(value: date) -> SheetCell:
    if not isinstance(value, datetime):
        return value.isoformat()
    if value.time() != time():
        return UnreadableCell(f"{value}", "不带时刻的日期", "请只写年月日")
    return value.date().isoformat()


def _format_number(value: int | float, *, per_cent: bool) -> SheetCell:
    exact = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.{SIGNIFICANT}g}")
    if not exact.is_finite() or abs(exact) >= 10**SIGNIFICANT:
        return UnreadableCell(f"{value}", f"至多 {SIGNIFICANT} 位有效数字的数", "表格软件存不下这么多位：请以文本填写")
    if per_cent:
        return f"{_format_decimal(exact * 100)}%"
    return _format_decimal(exact)


def _format_decimal(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
