"""Tables as departments send them: CSV in any usual encoding, XLSX with merged cells; read as text, cell by cell.

A workbook is looked at as an archive first: what would unpack to more than the limits is refused unread.
"""

from __future__ import annotations

import csv
import functools
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any
from xml.parsers import expat

from huisuan.base.csv_lines import decode_text
from huisuan.base.errors import InvalidRequest

LARGEST_FILE = 16 * 1024 * 1024  # bytes as sent
_LARGEST_UNPACKED = 128 * 1024 * 1024
_MOST_PARTS, _MOST_ROWS, _MOST_COLUMNS = 2_000, 100_000, 200
_MOST_MERGED = 100_000  # cells of all merged areas of a workbook
_AREA = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_CHUNK = 1 << 16
_UNKNOWN_ENCODING = expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING]
#: all that spreadsheets are written with. Of the others zipfile unpacks a whole chunk at once, whatever is asked.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOOKED_AT = 4096  # bytes, for the encoding
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name ("" in a CSV), and its rows that hold anything, each by its number in the file."""

    name: str
    rows: list[tuple[int, list[str]]]


def read_sheets(content: bytes, name: str) -> list[Sheet]:
    """The sheets of a CSV or XLSX.

    Raises:
        InvalidRequest: neither, too large, or damaged; it says what to do.
    """
    if len(content) > LARGEST_FILE:
        raise InvalidRequest(
            f"{name}: 超过 {LARGEST_FILE // 1024 // 1024} MiB；请分成几个文件", code="catalogue.file_too_large"
        )
    if content.startswith(b"PK"):
        return _read_workbook(content, name)
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise InvalidRequest(f"{name}: 是旧格式的 XLS；请另存为 XLSX 或 CSV", code="catalogue.file_is_xls")
    return [Sheet("", list(_read_csv(content, name)))]


def _read_csv(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    text = _decode_utf16(content, name) if _is_utf16(content) else decode_text(content, name)
    first = text[: text.find("\n") + 1] or text
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidRequest(
                f"{name}: 第 {number} 行起不是合法的 CSV（{error}）；请检查引号", code="catalogue.csv_broken"
            ) from None
        _check_size(name, number, len(cells))
        if any(cell.strip() for cell in cells):
            yield number, [cell.strip() for cell in cells]


def _is_utf16(content: bytes) -> bool:
    """Whether it says so, or has the zeros that commas and line ends have there and in no other encoding."""
    return content.startswith(_UTF16_MARKS) or b"\0" in content[:_LOOKED_AT]


def _decode_utf16(content: bytes, name: str) -> str:
    marked = content.startswith(_UTF16_MARKS)
    little = content[:_LOOKED_AT].count(b",\0") >= content[:_LOOKED_AT].count(b"\0,")
    try:
        return content.decode("utf-16" if marked else "utf-16-le" if little else "utf-16-be")
    except UnicodeDecodeError:
        raise InvalidRequest(
            f"{name}: 像是 UTF-16，但不是；请另存为“CSV UTF-8”", code="catalogue.file_not_utf16"
        ) from None


def _check_size(name: str, rows: int, columns: int) -> None:
    if rows > _MOST_ROWS or columns > _MOST_COLUMNS:
        raise InvalidRequest(
            f"{name}: 超过 {_MOST_ROWS:,} 行或 {_MOST_COLUMNS} 列；请分成几个文件，删去空列",
            code="catalogue.sheet_too_large",
        )


def _read_workbook(content: bytes, name: str) -> list[Sheet]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _check_archive(content, name)
        book = openpyxl.load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise InvalidRequest(
            f"{name}: 读不出的 XLSX（{type(error).__name__}）；请另存一次再送", code="catalogue.workbook_broken"
        ) from None
    return [Sheet(sheet.title, list(_sheet_rows(sheet, name))) for sheet in book.worksheets]


def _check_archive(content: bytes, name: str) -> None:
    """Refuse what unpacks to too much, declares entities, or merges whole sheets, before any parser sees it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
            raise InvalidRequest(f"{name}: 解开后过大；请删去不用的工作表", code="catalogue.workbook_unpacks_too_large")
        if any(part.compress_type not in _PACKINGS for part in parts):
            raise InvalidRequest(
                f"{name}: 用了不常见的压缩方式；请用表格软件另存为 XLSX 再送", code="catalogue.workbook_packing_unknown"
            )
        merged = _MergedCells()
        for part in parts:
            with archive.open(part) as file:  # whatever it is called: a sheet may bear any name
                _check_part(file, part.filename, name, merged)


class _MergedCells:
    """How many cells the merged areas of a workbook cover, as its parts say it: a parser makes each an object."""

    def __init__(self) -> None:
        self.cells = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "mergeCell":
            corners = _AREA.fullmatch(attributes.get("ref", "").strip().upper())
            # what is no area is left to the parser, which refuses it
            self.cells += _area(*corners.groups()) if corners else 0


def _area(left: str, top: str, right: str | None, bottom: str | None) -> int:
    wide = abs(_column(right or left) - _column(left)) + 1
    return wide * (abs(int(bottom or top) - int(top)) + 1)


def _column(letters: str) -> int:
    return functools.reduce(lambda number, letter: number * 26 + ord(letter) - 64, letters, 0)


def _check_part(file: IO[bytes], part: str, name: str, merged: _MergedCells) -> None:
    def refuse(*_: object) -> None:
        raise InvalidRequest(f"{name}: 部件 {part} 含有文档类型声明，不予读取", code="catalogue.workbook_has_doctype")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = merged.start
    try:
        while chunk := file.read(_CHUNK):
            parser.Parse(chunk)
            if merged.cells > _MOST_MERGED:
                raise InvalidRequest(
                    f"{name}: 合并的单元格超过 {_MOST_MERGED:,} 个；请取消整行、整列、整表的合并",
                    code="catalogue.workbook_merges_too_much",
                )
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        # a picture, or broken; the parser of workbooks, which is expat too, gets no further in it than this one
        if part.lower().endswith((".xml", ".rels")) or error.code == _UNKNOWN_ENCODING:
            raise ValueError(str(error)) from None


def _sheet_rows(sheet: Any, name: str) -> Iterator[tuple[int, list[str]]]:
    _check_size(name, sheet.max_row, sheet.max_column)
    merged = {
        (row, column): (area.min_row, area.min_col)
        for area in sheet.merged_cells.ranges
        for row in range(area.min_row, min(area.max_row, _MOST_ROWS) + 1)
        for column in range(area.min_col, area.max_col + 1)
    }
    for number in range(1, sheet.max_row + 1):
        cells = []
        for column in range(1, sheet.max_column + 1):
            row, first = merged.get((number, column), (number, column))
            cells.append(_as_text(sheet.cell(row, first).value))
        if any(cells):
            yield number, cells


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
