"""Workbooks (XLSX): every sheet, hidden ones too, by cell; every other part of the archive as text.

Spreadsheet libraries drop comments, caches of pivot tables and links: here nothing of the archive is dropped.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.archive_parts import archive_part_name, list_parts, read_part
from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable, UnreadPart
from huisuan.opendata.scanning.readers.plain_cells import PlainSheet, UnusualCells, read_plain_strings
from huisuan.opendata.scanning.readers.xml_text import every_text_of, parse_xml, written_attributes

_CACHE = re.compile(r"pivotCache|externalLink|comments|threaded", re.IGNORECASE)  # what cells said, in attributes
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})", re.ASCII)
_PLACE = re.compile(r"[A-Z]{0,3}\d{1,7}", re.ASCII)
_SHORTEST, _LONGEST_PLACE = 6, 12
_HIDDEN = ("hidden", "veryHidden")


def read_workbook(archive: zipfile.ZipFile, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """Sheets as tables under their names, then what stands elsewhere in the archive."""
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in list_parts(archive, budget):
        if isinstance(info, UnreadPart):
            yield info
        else:
            parts.setdefault(archive_part_name(info), info)
    names = _sheet_names(archive, parts, budget)
    strings = _Strings()
    if "xl/sharedStrings.xml" in parts:
        strings.read(read_part(archive, parts["xl/sharedStrings.xml"], budget))
    for name, info in parts.items():
        if name in names:
            sheet = _Sheet(strings, budget)
            sheet.read(read_part(archive, info, budget))
            yield Block(f"工作表 {names[name]}", sheet.rows, table=True)
            yield Block(
                f"工作表 {names[name]} 的页眉、批注等", list(enumerate(([line] for line in sheet.other), start=1))
            )
    yield from _other_parts(archive, {name: info for name, info in parts.items() if name not in names}, budget)
    left = strings.other
    if len(strings.used) < len(strings.texts):
        left = [text for place, text in enumerate(strings.texts) if place not in strings.used] + left
    yield Block("没有单元格用到的文字", [(number, [text]) for number, text in enumerate(left, start=1)])


def _other_parts(
    archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], budget: ReadBudget
) -> Iterator[Block | UnreadPart]:
    for name, info in parts.items():
        if name == "xl/sharedStrings.xml":
            continue
        if not name.endswith((".xml", ".rels", ".vml")):
            yield UnreadPart(name, "不是文字的部件（图片、嵌入的对象或宏）")
            continue
        try:
            lines = every_text_of(read_part(archive, info, budget), shortest=2 if _CACHE.search(name) else 6)
        except Unreadable as why:
            yield UnreadPart(name, str(why))
        else:
            yield Block(f"部件 {name}", [(number, [line]) for number, line in enumerate(lines, start=1)])


def _sheet_names(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], budget: ReadBudget) -> dict[str, str]:
    """By part the name of the sheet that it holds; one that is hidden says so."""
    targets: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            targets[attributes.get("Id", "")] = whole

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            hidden = "（隐藏）" if attributes.get("state") in _HIDDEN else ""
            link = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets.append((link, attributes.get("name", "") + hidden))

    for part, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if part in parts:
            parse_xml(read_part(archive, parts[part], budget), handler, *[lambda _: None] * 3)
    found = {targets[link]: name for link, name in sheets if targets.get(link) in parts}
    strays = (name for name in parts if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name) and name not in found)
    return found | {name: f"{posixpath.basename(name)}（目录里没有）" for name in strays}


class _Strings:
    """The texts that cells share; runs of one text are joined; what stands outside of them goes to `other`."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.used: set[int] = set()
        self.other: list[str] = []
        self._pieces: list[str] = []
        self._inside = False

    def read(self, content: bytes) -> None:
        try:
            self.texts = read_plain_strings(content)
        except UnusualCells:
            parse_xml(content, self._start, self._end, self._text, self.other.append)
            self.other += self._pieces

    def get(self, place: str) -> str:
        """The text of a place; one that does not exist is kept as it is written."""
        number = int(place) if place.isascii() and place.isdigit() and len(place) < _LONGEST_PLACE else -1
        if not 0 <= number < len(self.texts):
            return place
        self.used.add(number)
        return self.texts[number]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = self._inside or name == "t"
        self.other += written_attributes(attributes, _SHORTEST)

    def _end(self, name: str) -> None:
        self._inside = self._inside and name != "t"
        if name == "si":
            self.texts.append("".join(self._pieces))
            self._pieces = []

    def _text(self, text: str) -> None:
        if self._inside:
            self._pieces.append(text)
        elif text.strip():
            self.other.append(text)


class _Sheet:
    """The cells of a sheet by row; formulas and everything that is no cell go to `other`."""

    def __init__(self, strings: _Strings, budget: ReadBudget) -> None:
        self.rows: list[tuple[int, list[str]]] = []
        self.other: list[str] = []
        self._strings, self._budget = strings, budget
        self._cells: list[str] = []
        self._row = self._taken = 0
        self._kind, self._place = "", ""
        self._pieces: list[str] = []
        self._in_data = self._in_value = False

    def read(self, content: bytes) -> None:
        try:
            content = self._read_plain(PlainSheet(content, self._strings.texts))
        except UnusualCells:
            self.rows, self._budget.cells = [], self._budget.cells + self._taken
        parse_xml(content, self._start, self._end, self._text, self.other.append)
        self._end_row()
        self.other += self._pieces

    def _read_plain(self, sheet: PlainSheet) -> bytes:
        """Take the cells of a sheet that is written as usual; what is left of it."""
        for rows in sheet.rows():
            number = sum([len(cells) for _, cells in rows])
            self._budget.take_cells(number)
            self._taken += number
            self.rows += rows
        self._strings.used |= sheet.used
        self.other += sheet.formulas
        return sheet.rest

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        place = attributes.get("r", "")
        if name == "c":
            self.other += self._pieces  # of values that stand in no cell
            self._kind, self._place, self._pieces = attributes.get("t", ""), place, []
        elif name == "row":
            self._end_row()
            self._row = int(place) if place.isascii() and place.isdigit() and len(place) < 8 else self._row + 1
        elif name == "sheetData":
            self._in_data = True
        self._in_value = self._in_value or name in ("v", "t")
        for value in written_attributes(attributes, _SHORTEST):
            if value is not place or not _PLACE.fullmatch(value):
                self.other.append(value)

    def _text(self, text: str) -> None:
        if self._in_data and self._in_value:
            self._pieces.append(text)
        elif text.strip():
            self.other.append(text)

    def _end(self, name: str) -> None:
        if name in ("v", "t"):
            self._in_value = False
        elif name == "c":
            text = "".join(self._pieces)
            value = self._strings.get(text) if self._kind == "s" else text
            column = _column(self._place)
            if column > len(self._cells):
                self._cells += [""] * (column - len(self._cells))
            self._cells.append(value)
            self._pieces = []
        elif name == "row":
            self._end_row()
        elif name == "sheetData":
            self._in_data = False

    def _end_row(self) -> None:
        """A row ends; cells that stand in none are a row, too."""
        if self._cells:
            self._budget.take_cells(len(self._cells))
            self.rows.append((self._row, self._cells))
            self._cells = []


def _column(place: str) -> int:
    """Where a cell stands in its row, from 0; -1 where its place is not said."""
    found = _CELL.fullmatch(place)
    if found is None:
        return -1
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return min(number - 1, 16384)
